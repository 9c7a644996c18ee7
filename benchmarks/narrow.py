"""Makes the posterior of a synth smaller: hidden units of its flow that hardly matter are left out.

Usage: python benchmarks/narrow.py SYNTH BANK.npz --hidden 224 [--out FILE]

What a left-out unit did is taken over by those that stay, by least squares over what the model itself proposes for
presets of the bank that are played on random notes. Prints the loss on other presets before and after: nats per
parameter, lower is better.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patchflow.data import Bank, Sampler
from patchflow.data.cache import render_block
from patchflow.engines import Renderer, engines
from patchflow.models import Batch, load_model, models, read_header, save_model, shipped
from patchflow.models.posterior import Posterior

DRAWS = 8  # proposals for each sound
RIDGE = 1e-3  # of the variance of a unit


def main() -> None:
    """Plays, narrows, compares, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth")
    parser.add_argument("bank")
    parser.add_argument("--hidden", type=int, required=True, help="hidden units that stay")
    parser.add_argument("--items", type=int, default=512, help="presets that are played")
    parser.add_argument("--out", type=Path, help="the shipped weights if not given")
    options = parser.parse_args()
    torch.set_num_threads(1)
    make = engines[options.synth]
    path = shipped(options.synth)
    if path is None:
        raise SystemExit(f"no weights for {options.synth}")
    model = load_model(path, make.space, models)
    assert isinstance(model, Posterior)

    bank = Bank.load(options.bank).part("train")
    sampler = Sampler(make.space, bank.points, np.full(len(bank.points), 1 / len(bank.points)), 1.0, 0.0, 0.0)
    with Renderer(make, 1) as renderer:
        block = render_block(renderer, sampler, options.items, np.random.default_rng(0))
    half = options.items // 2
    first = batch(block, slice(0, half))
    second = batch(block, slice(half, None))
    narrow = narrowed(model, first, options.hidden)
    before = loss(model, second)
    after = loss(narrow, second)
    print(f"{before:.4f} -> {after:.4f} nats per parameter")
    about = json.loads(read_header(path)["about"])
    about["narrowed"] = {
        "from": model.sizes.hidden,
        "items": options.items - half,
        "before": round(before, 4),
        "after": round(after, 4),
    }
    save_model(options.out or path, narrow, "posterior", options.synth, about=about)


def batch(block: dict[str, np.ndarray], rows: slice) -> Batch:
    """Returns some items of a block."""
    points, mels, notes = (torch.from_numpy(block[name][rows]) for name in ("points", "mels", "notes"))
    return Batch(points, mels.float() / 255, notes, points.new_zeros(len(points), 0))


@torch.no_grad()
def loss(model: Posterior, items: Batch) -> float:
    """Returns the negative log-likelihood, in nats per parameter."""
    return model.loss(items, torch.Generator().manual_seed(0))["posterior"].item()


@torch.no_grad()
def narrowed(model: Posterior, items: Batch, hidden: int) -> Posterior:
    """Returns a posterior of fewer hidden units that does about the same on some items."""
    heard: dict[tuple[int, int], torch.Tensor] = {}
    hooks = []
    layers: Any = model.flow.transform.transforms
    for number, layer in enumerate(layers):
        for place in (1, 3):

            def keep(_module: object, _input: object, output: torch.Tensor, key: tuple = (number, place)) -> None:
                heard[key] = output

            hooks.append(layer.hyper[place].register_forward_hook(keep))
    # The true presets are too few for the equations below; what the model proposes for their sounds is the same kind.
    context = model.encode(items.mel, items.note).repeat(DRAWS, 1)
    noise = torch.randn(len(context), model.noise, generator=torch.Generator().manual_seed(0))
    proposed = model.decode(noise, context)
    heard.clear()
    model.log_prob(torch.cat([proposed, items.points]), torch.cat([context, context[: len(items.points)]]))
    for hook in hooks:
        hook.remove()
    small = Posterior(model.space, **{**model.config(), "hidden": hidden})
    state = {name: value for name, value in model.state_dict().items() if ".hyper." not in name}
    for number, layer in enumerate(layers):
        inner, middle, outer = (layer.hyper[place] for place in (0, 2, 4))
        first = staying(heard[number, 1], middle.weight, hidden)
        second = staying(heard[number, 3], outer.weight, hidden)
        middle_weight, middle_bias = taken_over(heard[number, 1], first, middle)
        outer_weight, outer_bias = taken_over(heard[number, 3], second, outer)
        name = f"flow.transform.transforms.{number}.hyper"
        state |= {f"{name}.0.weight": inner.weight[first], f"{name}.0.bias": inner.bias[first]}
        state |= {f"{name}.2.weight": middle_weight[second], f"{name}.2.bias": middle_bias[second]}
        state |= {f"{name}.4.weight": outer_weight, f"{name}.4.bias": outer_bias}
    small.load_state_dict(state)
    return small.eval()


def staying(units: torch.Tensor, weight: torch.Tensor, count: int) -> torch.Tensor:
    """Returns which units move what comes after them most, in their order."""
    importance = units.std(0) * weight.norm(dim=0)
    return importance.argsort(descending=True)[:count].sort().values


def taken_over(units: torch.Tensor, stay: torch.Tensor, after: torch.nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns weight and bias of the layer after, given the units that stay alone.

    Each unit that goes is a weighted sum of those that stay, as near as least squares get.
    """
    gone = torch.ones(units.shape[1], dtype=torch.bool)
    gone[stay] = False
    kept = torch.cat([units[:, stay], units.new_ones(len(units), 1)], 1)
    ridge = RIDGE * len(units) * units[:, stay].var(0).mean() * torch.eye(kept.shape[1])
    shares = torch.linalg.solve(kept.T @ kept + ridge, kept.T @ units[:, gone])
    weight = after.weight[:, stay] + after.weight[:, gone] @ shares[:-1].T
    return weight, after.bias + after.weight[:, gone] @ shares[-1]


if __name__ == "__main__":
    main()
