"""Trains a posterior for a synth of the user's own, from the presets in their library."""

import json
import shutil
import time
from pathlib import Path

import numpy as np

from ..data.bank import Bank
from ..data.make_bank import gather
from ..data.sampler import draw_around_fresh
from ..engines import Engine, Renderer, engines
from ..errors import OptionError, PresetError
from ..models import own_weights
from ..presets.library.library import Library
from ..progress import ProgressCallback, ignore
from ..storage import make_folder, read_bytes, write_atomically
from .distributed import is_alone
from .run import train

__all__ = ["train_own"]

_FEWEST = 200  # presets; fewer are joined by drawn ones
_RENDERING = 0.3  # share of the minutes
_CHECKED = 0.05  # share of the families that is for validation
_ITEMS = (2_000, 300_000)
_SMALL = 64  # parameters up to which a small model will do
_SIZES = {"width": 32, "context": 128, "hidden": 256, "transforms": 6, "bins": 8}


def train_own(
    synth: str,
    *,
    library: Path | None = None,
    minutes: float = 60.0,
    device: str = "cpu",
    out: Path | None = None,
    progress: ProgressCallback = ignore,
) -> Path:
    """Makes a bank of a library's presets, a recipe, and weights that `match` will use from then on.

    Presets are played as `match` plays them, with their values on top of the synth's fresh preset: what they hold
    beyond their parameters, such as wavetables, is not heard, because no candidate would have it.

    An interrupted call goes on where it stopped when it is repeated with the same arguments. Bank, recipe, log and
    checkpoint stay in `out`; the recipe there may be changed and trained again by `train`.

    Args:
        synth: Name of the engine.
        library: A preset library; if None, or if it has fewer than 200 presets that can be heard, presets that are
            drawn around the fresh one join in.
        minutes: About how long it may take, at least 1; three tenths of that are for rendering.
        device: `"cpu"` or `"cuda"`.
        out: Folder for all that is made on the way; one beside the weights if None.
        progress: Called after every batch of presets, every block of renders and every check.

    Returns:
        Path of the weights, see `models.own_weights`.

    Raises:
        UnknownName: If there is no such synth.
        OptionError: If several processes were started, `minutes` is out of its range, or `out` holds an unfinished run
            with other arguments.
        PresetError: If hardly any preset can be heard, or all sound alike.
        EngineError: If the synth cannot be loaded.
        StorageError: If a file cannot be read or written.
        ModelError: If the loss stops being finite.
    """
    if not is_alone():
        raise OptionError(f"synth={synth!r}: is trained by one process. Give a recipe to torchrun.")
    if not 1 <= minutes <= 100_000:
        raise OptionError(f"minutes={minutes:g}: not in [1, 100000]")
    make, weights = engines[synth], own_weights(synth)
    out = out or weights.parent / f"{synth}-training"
    if (out / f"{synth}.safetensors").exists():
        _clear(out, synth)
    recipe, made_by = out / "recipe.toml", f"# Made by: train --synth {synth} --minutes {minutes:g} --device {device}"
    if not recipe.exists():
        make_folder(out)
        bank, speed = _bank(make, synth, library, progress)
        bank.save(out / "bank.npz")
        text = _recipe(synth, make, out, speed, minutes, device)
        write_atomically(recipe, f"{made_by}\n{text}".encode())
    elif (begun := read_bytes(recipe).decode("utf-8", "replace").partition("\n")[0]) != made_by:
        raise OptionError(f"{out}: holds an unfinished run ({begun.lstrip('# ')}). Repeat that, or remove the folder.")
    trained = train(recipe, progress=progress)
    make_folder(weights.parent)
    write_atomically(weights, read_bytes(trained))
    return weights


def _clear(out: Path, synth: str) -> None:
    """Removes what a run that is over has left, and nothing else."""
    shutil.rmtree(out / "cache", ignore_errors=True)
    for name in (
        "bank.npz",
        "recipe.toml",
        "recipe.json",
        "log.jsonl",
        "checkpoint.safetensors",
        f"{synth}.safetensors",
    ):
        (out / name).unlink(missing_ok=True)


def _bank(make: type[Engine], synth: str, library: Path | None, progress: ProgressCallback) -> tuple[Bank, float]:
    """The bank, and how many presets a second were played."""
    space, rng = make.space, np.random.default_rng(0)
    points, names = np.empty((0, len(space))), list[str]()
    if library is not None:
        source = Library(library)
        points = source.points(synth, space)
        names = [source.entry(number).name for number in source.ids(synth)]
    if len(points) < _FEWEST:
        drawn = space.snap(draw_around_fresh(space, 10 * _FEWEST, rng))
        points, names = np.concatenate([points, drawn]), names + [""] * len(drawn)
    start = time.monotonic()
    with Renderer(make) as renderer:
        bank = gather(points, names, renderer, split=_split, progress=progress)
    return bank, len(points) / (time.monotonic() - start)


def _split(points: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Deals families to training and validation, of few ones half to each."""
    families = np.unique(family)
    if len(families) < 2:
        raise PresetError(f"all {len(points)} presets sound alike: give others to learn from")
    checked = np.random.default_rng(0).permutation(families)[
        : max(min(8, len(families) // 2), round(_CHECKED * len(families)))
    ]
    return np.where(np.isin(family, checked), "valid", "train")


def _recipe(synth: str, make: type[Engine], out: Path, speed: float, minutes: float, device: str) -> str:
    """The recipe as TOML; JSON's texts and numbers are TOML's."""
    items = int(np.clip(60 * minutes * _RENDERING * speed, *_ITEMS))
    settings = {
        "synth": synth,
        "bank": str(out / "bank.npz"),
        "out": str(out),
        "items": items,
        "plain": 0.15,
        "crossed": 0.45,
        "jittered": 0.35,
        "steps": 1_000_000,
        "minutes": round(max(0.5, minutes - items / speed / 60), 2),
        "batch": 128,
        "workers": 1 if device == "cuda" else 2,
        "rate": 5e-4,
        "augmented": 0.4,
        "device": device,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    if len(make.space) <= _SMALL:
        lines += ["", "[sizes]", *(f"{key} = {value}" for key, value in _SIZES.items())]
    return "\n".join(lines) + "\n"
