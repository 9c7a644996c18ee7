"""The one training loop: cache, optimise, check, keep; exact resume after any interruption."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from ..data.augment import augment
from ..data.bank import Bank
from ..data.cache import Cache, fill_cache
from ..data.sampler import Sampler
from ..engines import Engine, engines
from ..errors import ModelError
from ..models import models, save_model
from ..storage import write_atomically
from .checkpoint import load_checkpoint, save_checkpoint
from .recipe import Recipe, read_recipe

__all__ = ["Report", "train"]

_EVERY = 250  # steps from one check to the next
_AVERAGE = 0.999  # decay of the weights' moving average, which is what is kept
_CLIP = 1.0


@dataclass(frozen=True)
class Report:
    """How a run is doing.

    Args:
        stage: `"render"` or `"train"`.
        done: Items or steps done.
        total: Items or steps in all.
        losses: Losses by name, in nats a parameter.
    """

    stage: str
    done: int
    total: int
    losses: Mapping[str, float]


@dataclass
class _State:
    model: Any
    average: Any
    optimizer: AdamW
    step: int = 0
    minutes: float = 0.0


def train(
    recipe: str | Path,
    overrides: Mapping[str, str] | None = None,
    progress: Callable[[Report], None] = lambda report: None,
) -> Path:
    """Renders the training items, fits the model and writes its weights.

    Interrupted runs go on from their last checkpoint. `log.jsonl` in the output folder holds the
    losses, `recipe.json` the settings as resolved.

    Args:
        recipe: Path of a TOML recipe, see `Recipe`.
        overrides: Values by key, as text.
        progress: Called after every block of renders and every check.

    Returns:
        Path of the weights.

    Raises:
        OptionError: If the recipe has values that are not allowed.
        UnknownName: If it names keys, synths or models that do not exist.
        StorageError: If the bank is missing or a file cannot be written.
        ModelError: If the loss stops being finite; the last checkpoint is kept.
    """
    settings = read_recipe(recipe, overrides)
    make, kind = engines[settings.synth], models[settings.model]
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    bank = Bank.load(settings.bank)
    write_atomically(out / "recipe.json", json.dumps(asdict(settings), indent=1).encode())
    cache = _render(settings, make, bank, progress)
    torch.manual_seed(settings.seed)
    model = kind(make.space, **settings.sizes)
    optimizer = AdamW(model.parameters(), settings.rate, weight_decay=0.01)
    state = _State(model, kind(make.space, **model.config()), optimizer)
    state.average.load_state_dict(model.state_dict())
    state.model.to(settings.device)
    state.average.to(settings.device)
    load_checkpoint(out / "checkpoint.safetensors", state)
    losses = _fit(state, settings, cache, out, progress)
    path = out / f"{settings.synth}.safetensors"
    about = {"recipe": asdict(settings), "steps": state.step, "losses": losses}
    save_model(path, state.average, settings.model, settings.synth, about=about)
    return path


def _render(settings: Recipe, make: type[Engine], bank: Bank, progress: Callable[[Report], None]) -> dict[str, Cache]:
    """Fills the caches of training and validation items."""
    root = Path(settings.cache or Path(settings.out) / "cache")
    caches = {}
    for split, items in (("train", settings.items), ("valid", 1024)):
        part = bank.part(split)
        size = np.bincount(part.family)[part.family]
        weights = size**-0.5 / np.sum(size**-0.5)  # large families are seen often enough
        shares = {} if split == "train" else {"bank": 1.0, "crossed": 0.0, "jittered": 0.0}
        sampler = Sampler(make.space, make().canonical(part.points), weights, **shares)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the renderer's threads fill the cores
        fill_cache(
            root / split, make, sampler, items, seed=settings.seed,
            progress=lambda done, total=items: progress(Report("render", done, total, {})),
        )  # fmt: skip
        torch.set_num_threads(threads)
        caches[split] = Cache(root / split)
    return caches


def _fit(
    state: _State, settings: Recipe, caches: dict[str, Cache], out: Path, progress: Callable[[Report], None]
) -> dict[str, float]:
    losses: dict[str, float] = {}
    running: list[float] = []
    start = time.monotonic() - 60 * state.minutes
    while (done := _done(state, settings)) < 1:
        cosine = 0.01 + 0.99 * math.cos(done * math.pi / 2) ** 2
        for group in state.optimizer.param_groups:
            group["lr"] = (
                settings.rate * min(1.0, (state.step + 1) / 200) * cosine
            )
        running.append(_step(state, settings, caches["train"]))
        state.minutes = (time.monotonic() - start) / 60
        if not math.isfinite(running[-1]):
            raise ModelError(f"loss={running[-1]} at step {state.step}: stopped; the last checkpoint is kept in {out}")
        if state.step % _EVERY == 0 or _done(state, settings) >= 1:
            losses = {"train": float(np.mean(running)), "valid": _check(state, settings, caches["valid"])}
            running = []
            save_checkpoint(out / "checkpoint.safetensors", state)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": state.step, "minutes": round(state.minutes, 2), **losses}) + "\n")
            progress(Report("train", state.step, settings.steps, losses))
    return losses


def _done(state: _State, settings: Recipe) -> float:
    """Share of the run that is over: of its steps or of its minutes, whichever is more."""
    clock = state.minutes / settings.minutes if settings.minutes else 0.0
    return max(state.step / settings.steps, clock)


def _step(state: _State, settings: Recipe, cache: Cache) -> float:
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + state.step)
    torch.manual_seed(settings.seed * 1_000_003 + state.step)  # dequantisation draws on the device
    rows = torch.randint(len(cache), (settings.batch,), generator=generator).numpy()
    points, mel, note = _load(cache, np.sort(rows), settings.device)
    mel = augment(mel.cpu(), generator, share=settings.augmented).to(settings.device)
    state.model.train()
    with torch.autocast(settings.device, torch.bfloat16):
        loss = state.model.loss(points, mel, note)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), _CLIP)
    state.optimizer.step()
    state.step += 1
    decay = min(_AVERAGE, (state.step + 1) / (state.step + 10))
    with torch.no_grad():
        for slow, fast in zip(state.average.parameters(), state.model.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)
    return float(loss.detach())


@torch.no_grad()
def _check(state: _State, settings: Recipe, cache: Cache) -> float:
    """Returns the loss of the averaged weights on the validation items, with the same noise every time."""
    torch.manual_seed(0)
    state.average.eval()
    losses = []
    for first in range(0, len(cache), 128):
        points, mel, note = _load(cache, np.arange(first, min(first + 128, len(cache))), settings.device)
        losses.append(float(state.average.loss(points, mel, note)))
    return float(np.mean(losses))


def _load(cache: Cache, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor, Tensor]:
    points = torch.from_numpy(np.asarray(cache.points[rows]))
    mel = torch.from_numpy(np.asarray(cache.mels[rows])).float() / 255
    note = torch.from_numpy(np.asarray(cache.notes[rows]))
    return points.to(device), mel.to(device), note.to(device)
