"""How much longer flows take than their matrix products alone, and their inverses than they.

Usage: python benchmarks/flows.py  (writes benchmarks/results/flows.json)

Chains of 16 steps with shuffles between, at their default sizes, on one thread: the products that their networks are
made of, the way there and the way back, in turn, many times. The figures are medians and quartiles of the ratios
of neighbouring runs, so they hold on a busy machine; how long anything takes is not said. Planar, Sylvester and
activation normalisation have no networks without a context, so there are no products to compare them with.
For the autoregressive ones, `steps_over_inverse` says how much slower the inverse would be that runs the whole network
once for every coordinate: the time of that many passes of the networks alone, over that of the inverse.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from timing import facts, seconds, spread
from torch import Tensor, nn

from patchflow.flows import Chain, flows
from patchflow.flows._blocks import Made
from patchflow.flows.permutation import Permutation

BATCH, SIZE, STEPS, ROUNDS = 128, 64, 16, 5
NAMES = [name for name in flows if flows[name].domain == flows[name].image == "line" and name != "permutation"]


@torch.no_grad()
def main() -> None:
    """Prints and writes the ratios."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    report = {
        "what": f"chains of {STEPS} steps, vectors of length {SIZE}, batches of {BATCH}, float32, one thread",
        **facts(seed=0),
        "flows": {name: ratios(name) for name in NAMES},
    }
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "flows.json").write_text(text + "\n")


def ratios(name: str) -> dict[str, dict[str, float]]:
    """Returns the ratios of one kind of flow."""
    steps = []
    for seed in range(STEPS):
        steps += [flows[name](SIZE), Permutation(SIZE, seed=seed)]
    chain = Chain(*steps)
    x = torch.randn(BATCH, SIZE)
    y, _ = chain(x)
    chain.eval()
    products = bare_products(chain)
    passes = [layer for layer in chain.modules() if isinstance(layer, Made)]
    times = []
    for _ in range(ROUNDS + 1):
        took = {
            "products": quickest(products),
            "forward": quickest(lambda: chain(x)),
            "passes": seconds(lambda: [made(x, None) for made in passes]),
            "inverse": seconds(lambda: chain.inverse(y)),
        }
        times.append(took)
    times = times[1:]  # the first one fills the caches
    found = {"inverse_over_forward": spread([t["inverse"] / t["forward"] for t in times])}
    if has_networks(chain):
        found["forward_over_products"] = spread([t["forward"] / t["products"] for t in times])
    if passes:
        found["steps_over_inverse"] = spread([SIZE * t["passes"] / t["inverse"] for t in times])
    return found


def quickest(run: Callable[[], object]) -> float:
    """Returns the seconds of the quickest of three calls: what else the machine does comes between now and then."""
    return min(seconds(run) for _ in range(3))


def has_networks(chain: Chain) -> bool:
    """Returns whether there are matrices in it."""
    return any(isinstance(layer, nn.Linear) for layer in chain.modules())


def bare_products(chain: Chain) -> Callable[[], list[Tensor]]:
    """Returns a function that multiplies a batch by every matrix of a chain's networks."""
    weights = [layer.weight.detach().mT for layer in chain.modules() if isinstance(layer, nn.Linear)]
    pairs = [(torch.randn(BATCH, len(weight)), weight) for weight in weights]
    return lambda: [batch @ weight for batch, weight in pairs]


if __name__ == "__main__":
    main()
