"""How near a training step comes to the processor's speed, and what a second thread brings.

Usage: python benchmarks/training.py  (writes benchmarks/results/training.json)

Steps of the shipped model's size on noise, with one replica and with two, and products of square matrices on the
same number of threads, in turn, many times; the figures are medians of the ratios of neighbouring runs. The
operations of a step are counted by torch: products and convolutions, forward and backward.
"""

import json
import statistics
from pathlib import Path

import torch
from timing import seconds, spread
from torch.optim import AdamW
from torch.utils.flop_counter import FlopCounterMode

from patchflow.engines import engines
from patchflow.features.inputs.levels import input_shape
from patchflow.models import Batch
from patchflow.models.posterior import Posterior
from patchflow.train.distributed import Replicas

BATCH, ROUNDS, SQUARE, PRODUCTS = 128, 9, 1024, 20


def main() -> None:
    """Prints and writes the ratios."""
    torch.manual_seed(0)
    space = engines["dexed"].space
    model = Posterior(space)
    batch = Batch(
        torch.rand(BATCH, len(space)),
        torch.rand(BATCH, *input_shape()),
        torch.tensor([[60.0, 100.0, 3.0]]).repeat(BATCH, 1),
        torch.zeros(BATCH, 0),
    )
    with FlopCounterMode(display=False) as counter:
        model.loss(batch, torch.Generator().manual_seed(0))["posterior"].backward()
    work = counter.get_total_flops()
    optimizer = AdamW(model.parameters(), 1e-4, fused=True)
    times: list[dict[str, float]] = []
    for _ in range(ROUNDS + 1):
        found = {}
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with Replicas(model, threads) as replicas:
                replicas.backward(batch, seed=0)  # its threads begin
                found[f"step {threads}"] = seconds(lambda replicas=replicas: step(replicas, optimizer, batch))
            found[f"flops {threads}"] = PRODUCTS * 2 * SQUARE**3 / seconds(products)
        times.append(found)
    times = times[1:]
    report = {
        "items_per_second_one": round(BATCH / statistics.median(t["step 1"] for t in times), 1),
        "items_per_second_two": round(BATCH / statistics.median(t["step 2"] for t in times), 1),
        "two_replicas_over_one": spread([t["step 1"] / t["step 2"] for t in times]),
        "flops_over_matrix_products_one": spread([work / t["step 1"] / t["flops 1"] for t in times]),
        "flops_over_matrix_products_two": spread([work / t["step 2"] / t["flops 2"] for t in times]),
        "gflop_per_item": round(work / BATCH / 1e9, 3),
        "note": f"batches of {BATCH}",
    }
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "training.json").write_text(text + "\n")


def step(replicas: Replicas, optimizer: AdamW, batch: Batch) -> None:
    """One step of the training loop, without the reading of items."""
    replicas.backward(batch, seed=0)
    optimizer.step()


def products() -> None:
    """Products of two square matrices, which come near to what a processor can do."""
    a, b = torch.rand(2, SQUARE, SQUARE)
    for _ in range(PRODUCTS):
        torch.mm(a, b)


if __name__ == "__main__":
    main()
