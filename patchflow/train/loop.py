"""The one training loop: cache, optimise, check, keep; exact resume after any interruption."""

import inspect
import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW

from ..data.augment import augment
from ..data.bank import Bank
from ..data.cache import Cache, fill_cache
from ..data.sampler import Sampler
from ..data.stream import Stream
from ..engines import Engine, engines
from ..errors import ModelError, OptionError, StorageError, UnknownName
from ..models import Batch, Model, load_model, models, read_header, save_model
from ..presets import ParamSpace
from ..storage import describe, write_atomically
from .checkpoint import State, load_checkpoint, save_checkpoint
from .recipe import Recipe, read_recipe
from .replicas import Replicas

__all__ = ["Report", "train"]

_EVERY = 250  # steps from one check to the next
_AVERAGE = 0.999  # decay of the weights' moving average, which is what is kept
_CLIP = 1.0
_WARM_UP = 200  # steps until the learning rate is at its largest
_CHECKED = 1024  # validation items


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


def train(
    recipe: str | Path,
    overrides: Mapping[str, str] | None = None,
    progress: Callable[[Report], None] = lambda _: None,
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
        StorageError: If the bank is missing or of another synth, or a file cannot be written.
        ModelError: If the loss stops being finite; the last checkpoint is kept.
    """
    settings = read_recipe(recipe, overrides)
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise OptionError("device='cuda': there is no CUDA device here; give device=cpu")
    out, make = Path(settings.out), engines[settings.synth]
    state = _begin(settings, make.space)
    load_checkpoint(out / "checkpoint.safetensors", state)
    bank = _read_bank(settings, make.space)
    _write_settings(out, settings)
    caches = _render(settings, make, bank, progress)
    items: Cache | Stream = caches["train"]
    with ExitStack() as stack:
        if settings.stream:
            sampler, seed = _sampler(make, bank, "train", settings), (settings.seed, state.step)
            stream = Stream(caches["train"], make, sampler, seed=seed)  # a resumed run hears new items
            items = stack.enter_context(stream)
        replicas = stack.enter_context(Replicas(state.model, settings.workers))
        _fit(state, settings, {"train": items, "valid": caches["valid"]}, replicas, out, progress)
    path = out / f"{settings.synth}.safetensors"
    about = {"recipe": asdict(settings), "steps": state.step, "minutes": round(state.minutes, 2), "losses": _last(out)}
    if settings.start:
        about["before"] = json.loads(read_header(settings.start)["about"])
    save_model(path, state.average, settings.model, settings.synth, about=about)
    return path


def _begin(settings: Recipe, space: ParamSpace) -> State:
    """Makes the model and all that belongs to it."""
    kind = models[settings.model]
    known = [name for name, entry in inspect.signature(kind).parameters.items() if entry.kind is entry.KEYWORD_ONLY]
    for key in settings.sizes:
        if key not in known:
            raise UnknownName(f"size of model {settings.model!r}", key, known)
    torch.manual_seed(settings.seed)
    model: Model = kind(space, **settings.sizes)
    if settings.start:
        _continue(model, settings, space)
    average: Model = kind(space, **model.config())
    average.load_state_dict(model.state_dict())
    model.to(settings.device)
    average.to(settings.device)
    return State(model, average, AdamW(model.parameters(), settings.rate, weight_decay=0.01, fused=True))


def _continue(model: Model, settings: Recipe, space: ParamSpace) -> None:
    start = load_model(settings.start, space, models)
    if type(start) is not type(model) or start.config() != model.config():
        raise ModelError(
            f"start={settings.start!r}: is a {type(start).__name__} of {start.config()}, not of {model.config()}"
        )
    model.load_state_dict(start.state_dict())


def _read_bank(settings: Recipe, space: ParamSpace) -> Bank:
    bank = Bank.load(settings.bank)
    if bank.points.shape[1] != len(space):
        found, wanted = bank.points.shape[1], len(space)
        raise StorageError(f"{settings.bank}: has {found} parameters, not the {wanted} of synth {settings.synth!r}")
    for split in ("train", "valid"):
        if split not in bank.split:
            raise StorageError(f"{settings.bank}: has no presets for {split!r}. Make it again.")
    return bank


def _write_settings(out: Path, settings: Recipe) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {out}: {describe(error)}") from error
    write_atomically(out / "recipe.json", json.dumps(asdict(settings), indent=1).encode())


def _render(settings: Recipe, make: type[Engine], bank: Bank, progress: Callable[[Report], None]) -> dict[str, Cache]:
    """Fills the caches of training and validation items."""
    root = Path(settings.cache or Path(settings.out) / "cache")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the renderer's threads fill the cores
    try:
        for split, items in (("train", settings.items), ("valid", min(_CHECKED, settings.items))):
            fill_cache(
                root / split, make, _sampler(make, bank, split, settings), items, seed=settings.seed,
                progress=lambda done, total=items: progress(Report("render", done, total, {})),
            )  # fmt: skip
    finally:
        torch.set_num_threads(threads)
    return {split: Cache(root / split) for split in ("train", "valid")}


def _sampler(make: type[Engine], bank: Bank, split: str, settings: Recipe) -> Sampler:
    """Draws around the presets of a split; for validation only those themselves."""
    part = bank.part(split)
    size = np.bincount(part.family)[part.family]
    weights = size**-0.5 / np.sum(size**-0.5)  # large families are seen often enough
    shares = (settings.plain, settings.crossed, settings.jittered) if split == "train" else (1.0, 0.0, 0.0)
    engine = make()
    return Sampler(make.space, engine.arranged(engine.canonical(part.points)), weights, *shares)


def _fit(
    state: State, settings: Recipe, caches: dict[str, Cache | Stream], replicas: Replicas,
    out: Path, progress: Callable[[Report], None],
) -> None:  # fmt: skip
    running: list[float] = []
    start = time.monotonic() - 60 * state.minutes
    while (done := _done(state, settings)) < 1:
        cosine = 0.01 + 0.99 * math.cos(done * math.pi / 2) ** 2
        for group in state.optimizer.param_groups:
            group["lr"] = settings.rate * min(1.0, (state.step + 1) / _WARM_UP) * cosine
        running.append(_step(state, settings, caches["train"], replicas))
        state.minutes = (time.monotonic() - start) / 60
        _check_finite(running[-1], state, out)
        if state.step % _EVERY == 0 or _done(state, settings) >= 1:
            losses = {"train": float(np.mean(running)), "valid": _check(state, settings, caches["valid"])}
            running = []
            _check_finite(losses["valid"], state, out)
            save_checkpoint(out / "checkpoint.safetensors", state)
            _log(out, {"step": state.step, "minutes": round(state.minutes, 2), **losses})
            progress(Report("train", state.step, settings.steps, losses))


def _check_finite(loss: float, state: State, out: Path) -> None:
    if not math.isfinite(loss):
        raise ModelError(f"loss={loss} at step {state.step}: stopped; the last checkpoint is kept in {out}")


def _log(out: Path, line: dict[str, float]) -> None:
    try:
        with (out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
    except OSError as error:
        raise StorageError(f"cannot write {out / 'log.jsonl'}: {describe(error)}") from error


def _last(out: Path) -> dict[str, float]:
    """Returns the losses of the last check, for people to read."""
    try:
        line = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
        return {name: line[name] for name in ("train", "valid")}
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return {}  # the log of a run that ended before was removed


def _done(state: State, settings: Recipe) -> float:
    """Share of the run that is over: of its steps or of its minutes, whichever is more."""
    clock = state.minutes / settings.minutes if settings.minutes else 0.0
    return max(state.step / settings.steps, clock)


def _step(state: State, settings: Recipe, cache: Cache | Stream, replicas: Replicas) -> float:
    seed = settings.seed * 1_000_003 + state.step
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(cache), (settings.batch,), generator=generator).numpy()
    batch = _load(cache, np.sort(rows))
    heard = augment(batch.mel, generator, share=settings.augmented)
    batch = replace(batch, mel=heard).to(settings.device)
    mixed = settings.device == "cuda"  # on a CPU without matrix units bfloat16 is slower
    loss = replicas.backward(batch, seed=seed, mixed=mixed)
    nn.utils.clip_grad_norm_(state.model.parameters(), _CLIP)
    state.optimizer.step()
    state.step += 1
    decay = min(_AVERAGE, (state.step + 1) / (state.step + 10))
    with torch.no_grad():
        for slow, fast in zip(state.average.parameters(), state.model.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)
    return loss


@torch.no_grad()
def _check(state: State, settings: Recipe, cache: Cache | Stream) -> float:
    """Returns the loss of the averaged weights on the validation items, with the same noise every time."""
    generator = torch.Generator(settings.device).manual_seed(0)
    state.average.eval()
    losses = []
    for first in range(0, len(cache), 128):
        batch = _load(cache, np.arange(first, min(first + 128, len(cache)))).to(settings.device)
        losses.append(float(sum(state.average.loss(batch, generator).values())))
    return float(np.mean(losses))


def _load(cache: Cache | Stream, rows: np.ndarray) -> Batch:
    mels, points, notes = (torch.from_numpy(np.asarray(values)) for values in cache.take(rows))
    return Batch(points, mels.float() / 255, notes, points.new_zeros(len(points), 0))
