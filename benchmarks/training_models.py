"""How fast every model trains, against a bare loop and against the device's own speed.

Usage: python benchmarks/training_models.py [--models mlp,vae] [--synth dexed] [--batch 64] [--rounds 5] [--device cuda]
(writes benchmarks/results/training_models_DEVICE.json, model by model)

Both loops learn from the same items in memory, on the same device and number of threads, in turn; the figures are
medians of the ratios of neighbouring runs. The bare loop takes a batch, computes the loss, its gradient and a step of
Adam, and nothing else; its convolutions are torch's, where ours leave out what their dilations skip. Ours is what
`patchflow train` runs, set to do the same: no average of the weights and no limit of the gradient, but with its thread
that makes batches and its check for losses that are not finite. The operations of a step are counted by torch: products
and convolutions, forward and backward; the device's speed is that of products of square matrices in the same precision.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import seconds, spread
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.flop_counter import FlopCounterMode

from patchflow.engines import engines
from patchflow.features.inputs import inputs
from patchflow.models import Model, models
from patchflow.nn.conv import Double, Halve
from patchflow.train import Recipe
from patchflow.train.checkpoint import State
from patchflow.train.distributed import Replicas
from patchflow.train.loader import Loader
from patchflow.train.loop import take_step
from patchflow.train.training_data import load_batch

RESULTS = Path(__file__).parent / "results"
SQUARE, PRODUCTS = {"cpu": 1024, "cuda": 8192}, 10


class Noise:
    """Items of random numbers, stored as examples store them."""

    def __init__(self, model: Model, count: int = 2048) -> None:
        rng = np.random.default_rng(0)
        attributes = getattr(model, "attributes", 0)
        self.mels = rng.random((count, *inputs[model.input].shape), np.float32).astype(np.float16)
        self.points = model.space.snap(rng.random((count, len(model.space)))).astype(np.float32)
        self.notes = np.tile(np.array([60, 100, 3], np.float32), (count, 1))
        self.tags = rng.integers(-1, 2, (count, attributes)).astype(np.int8)

    def __len__(self) -> int:
        return len(self.points)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns some items."""
        return self.mels[rows], self.points[rows], self.notes[rows], self.tags[rows]


def main() -> None:
    """Measures and writes the models that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(models), help="names, with commas")
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="a round")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    path = RESULTS / f"training_models_{options.device}.json"
    report: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name in options.models.split(","):
        report[name] = measured(name, options)
        print(name, json.dumps(report[name]), flush=True)
        path.write_text(json.dumps(report, indent=1) + "\n")


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of one model at its default sizes, which are those of its paper."""
    space = engines[options.synth].space
    settings = _recipe(options)
    torch.manual_seed(0)
    ours = models[name](space)
    bare = models[name](space)
    with_torch_convolutions(bare)
    ours = ours.to(options.device)
    bare = bare.to(options.device)
    items = Noise(ours)
    batch = load_batch(items, np.arange(options.batch), ours.input).to(options.device)
    with FlopCounterMode(display=False) as counter:
        sum(ours.loss(batch, _generator(options)).values(), torch.zeros((), device=options.device)).backward()
    work = counter.get_total_flops() * options.steps
    times: list[dict[str, float]] = []
    with (
        Loader(items, ours.input, batch=options.batch, shuffled=True, device=options.device) as loader,
        Replicas(ours, 1) as replicas,
    ):
        state = State(ours, ours, torch.optim.AdamW(ours.parameters(), 1e-5, weight_decay=0, fused=True))
        plain = bare_loop(bare, items, options)
        runs = {"ours": lambda: our_loop(state, settings, loader, replicas, options), "bare": plain}
        for _ in range(options.rounds + 1):  # the first one warms up
            found = {which: seconds(run) for which, run in runs.items()}
            times.append(found | {"flops": products(options)})
    times = times[1:]
    return {
        "items_per_second": round(options.steps * options.batch / statistics.median(t["ours"] for t in times), 1),
        "ours_over_bare": spread([t["bare"] / t["ours"] for t in times]),
        "flops_over_matrix_products": spread([work / t["ours"] / t["flops"] for t in times]),
        "matrix_gflops": round(statistics.median(t["flops"] for t in times) / 1e9, 1),
        "gflop_per_item": round(work / options.steps / options.batch / 1e9, 3),
        "weights": sum(weight.numel() for weight in ours.parameters()),
        "note": f"batches of {options.batch}, {options.precision}, {_device(options)}",
    }


def our_loop(state: State, settings: Recipe, loader: Loader, replicas: Replicas, options: argparse.Namespace) -> None:
    """Steps as `patchflow train` takes them."""
    losses = []
    for _ in range(options.steps):
        batch = loader.take(state.step)
        losses.append(torch.stack(list(take_step(state, settings, batch, replicas, {}).values())))
    torch.stack(losses).tolist()  # reads them once, as training does: each reading waits for the device


def bare_loop(model: Model, items: Noise, options: argparse.Namespace) -> Callable[[], None]:
    """Returns the same steps written plainly."""
    optimizer = Adam(model.parameters(), 1e-5, fused=True)
    rng = np.random.default_rng(0)
    mixed = options.precision == "bfloat16"
    device = options.device

    def run() -> None:
        total: Tensor | float = 0.0
        for _ in range(options.steps):
            batch = load_batch(items, rng.integers(len(items), size=options.batch), model.input).to(device)
            with torch.autocast(device, torch.bfloat16, enabled=mixed):
                loss = torch.stack(list(model.loss(batch, _generator(options)).values())).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total = total + loss.detach()
        float(total)

    return run


def with_torch_convolutions(module: nn.Module) -> None:
    """Puts convolutions of torch, with the same dilations, in the place of ours; they compute the same."""
    for name, child in module.named_children():
        if isinstance(child, (Halve, Double)):
            setattr(module, name, _torch_convolution(child))
        else:
            with_torch_convolutions(child)


def _torch_convolution(ours: Halve | Double) -> nn.Module:
    down, across = (step * gap for step, gap in zip(ours.steps, ours.dilation, strict=True))
    (kernel, _), bias = ours.kernel_size, ours.bias is not None
    padding = down * (kernel // 2), across * (kernel // 2)
    widths = ours.in_channels, ours.out_channels, kernel, 2, padding
    if isinstance(ours, Halve):
        return nn.Conv2d(*widths, (down, across), bias=bias)
    odd = 1 - ours.size[0] % 2, 1 - ours.size[1] % 2
    return nn.ConvTranspose2d(*widths, odd, bias=bias, dilation=(down, across))


def products(options: argparse.Namespace) -> float:
    """Returns the operations a second of products of square matrices."""
    size, kind = SQUARE[options.device], getattr(torch, options.precision)
    a, b, c = torch.rand(3, size, size, device=options.device, dtype=kind)

    def run() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, b, out=c)
        float(c[0, 0])

    run()
    return PRODUCTS * 2 * size**3 / seconds(run)


def _recipe(options: argparse.Namespace) -> Recipe:
    return Recipe("-", "-", ema=0.0, weight_decay=0.0, clip=0.0, device=options.device, precision=options.precision)


def _generator(options: argparse.Namespace) -> torch.Generator:
    return torch.Generator(options.device).manual_seed(0)


def _device(options: argparse.Namespace) -> str:
    return torch.cuda.get_device_name() if options.device == "cuda" else f"CPU, threads: {torch.get_num_threads()}"


if __name__ == "__main__":
    main()
