"""Trains a posterior for a synth of the user's own, from the presets in their library."""

import json
import shutil
import time
from pathlib import Path

import numpy as np

from ..data.bank import Bank, make_bank
from ..data.sampler import random_presets
from ..engines import Engine, Renderer, engines
from ..errors import OptionError, PresetError
from ..models import users_weights
from ..presets.library.library import Library
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import locked, make_folder, read_bytes, write_atomically
from .distributed import is_alone, joined
from .recipe import read_recipe
from .run import fit

__all__ = ["train_for_synth"]

_FEWEST = 200  # presets; to fewer, drawn ones are added
_RENDERING = 0.3  # share of the minutes
_VALIDATED = 0.05  # share of the families that is for validation
_FEWEST_FAMILIES = 8  # for validation, if there are twice as many
_ITEMS = (2_000, 300_000)  # the fewest and the most to render
_SMALL = 64  # parameters up to which a small model will do
_SIZES = {"width": 32, "context": 128, "hidden": 256, "transforms": 6, "bins": 8}


def train_for_synth(
    synth: str,
    *,
    library: Path | None = None,
    minutes: float = 60.0,
    device: str = "cpu",
    out: Path | None = None,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> Path:
    """Makes a bank of a library's presets, a recipe, and weights that `match` will use from then on.

    Presets are played as `match` plays them, with their values on top of the synth's fresh preset. The state they hold
    beyond their parameters, such as wavetables, is left out, because no candidate would have it.

    An interrupted call goes on where it stopped when it is repeated with the same arguments. Bank, recipe, log and
    checkpoint stay in `out`; the recipe there may be changed and trained again by `train`.

    Args:
        synth: Name of the engine.
        library: A preset library; if None, or if it has fewer than 200 presets for the synth, presets that are drawn
            around the fresh one are added.
        minutes: About how long it may take, at least 1; three tenths of that are for rendering.
        device: `"cpu"` or `"cuda"`.
        out: Folder for all that is made on the way; one beside the weights if None.
        progress: See `train`; also called after every batch of presets that is played for the bank.
        tell: See `train`.

    Returns:
        Path of the weights, see `models.users_weights`.

    Raises:
        UnknownName: If there is no such synth.
        OptionError: If several processes were started, `minutes` is out of its range, or `out` holds an unfinished run
            with other arguments.
        PresetError: If hardly any preset can be heard, or all sound alike.
        EngineError: If the synth cannot be loaded.
        StorageError: If a file cannot be read or written, or another process works in `out`.
        ModelError: If the loss stops being finite.
    """
    _check_call(synth, minutes)
    make = engines[synth]
    weights = users_weights(synth)
    out = out or weights.parent / f"{synth}-training"
    with locked(out):
        _clear_if_over(out, weights)
        recipe = out / "recipe.toml"
        made_by = f"# Made by: train --synth {synth} --minutes {minutes:g} --device {device}"
        # the recipe is written last, when the bank is complete, so a recipe in the folder means: go on
        if recipe.exists():
            _check_made_by(recipe, made_by)
        else:
            bank, speed = _bank(make, synth, library, progress, tell)
            bank.save(out / "bank.npz")
            text = _recipe(make, synth, out, minutes, speed, device=device)
            write_atomically(recipe, f"{made_by}\n{text}".encode())
        trained = _trained(recipe, progress, tell)
        make_folder(weights.parent)
        write_atomically(weights, read_bytes(trained))
    return weights


def _trained(recipe: Path, progress: ProgressCallback, tell: TellCallback) -> Path:
    """Goes on with the run of a recipe, whose folder is locked."""
    settings = read_recipe(recipe)
    with joined(settings.device) as team:
        return fit(settings, team, progress, tell)


def _check_call(synth: str, minutes: float) -> None:
    if not is_alone():
        raise OptionError(f"synth={synth!r}: is trained by one process. Give a recipe to torchrun.")
    if not 1 <= minutes <= 100_000:
        raise OptionError(f"minutes={minutes:g}: not in [1, 100000]")


def _check_made_by(recipe: Path, made_by: str) -> None:
    """Makes sure that the same call began the run: that of another would give other weights than were asked for."""
    begun, _, _ = read_bytes(recipe).decode("utf-8", "replace").partition("\n")
    if begun != made_by:
        shown = begun.lstrip("# ")
        raise OptionError(f"{recipe.parent}: holds an unfinished run ({shown}). Repeat that, or remove the folder.")


def _clear_if_over(out: Path, weights: Path) -> None:
    """Removes what a run that is over has left, and nothing else.

    It is over when its weights were copied to where `match` finds them. A run that was stopped just before, or whose
    copy found the disk full, is not trained again.
    """
    trained = out / weights.name
    if not trained.exists() or not weights.exists() or weights.stat().st_mtime < trained.stat().st_mtime:
        return
    shutil.rmtree(out / "cache", ignore_errors=True)
    for name in (
        "bank.npz",
        "recipe.toml",
        "recipe.json",
        "log.jsonl",
        "checkpoint.safetensors",
        trained.name,
    ):
        (out / name).unlink(missing_ok=True)


def _bank(
    make: type[Engine], synth: str, library: Path | None, progress: ProgressCallback, tell: TellCallback
) -> tuple[Bank, float]:
    """The bank of the library's presets, and how many presets a second were played."""
    space = make.space
    points = np.empty((0, len(space)))
    names: list[str] = []
    if library is not None:
        source = Library(library)
        points = source.points(synth, space)
        names = [source.entry(number).name for number in source.ids(synth)]
    tell(f"first plays {len(points):,} presets of your library for the synth {synth}")
    if len(points) < _FEWEST:
        count = 10 * _FEWEST
        tell(f"these are fewer than {_FEWEST}: {count:,} presets that are drawn at random are added")
        drawn = space.snap(random_presets(space, count, np.random.default_rng(0)))
        points = np.concatenate([points, drawn])
        names += [""] * len(drawn)
    start = time.monotonic()
    with Renderer(make) as renderer:
        bank = make_bank(points, names, renderer, split=_split, progress=progress)
    return bank, len(points) / (time.monotonic() - start)


def _split(points: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Deals families to training and validation; of few ones, half to each."""
    families = np.unique(family)
    if len(families) < 2:
        raise PresetError(f"all {len(points)} presets sound alike: give others to learn from")
    fewest = min(_FEWEST_FAMILIES, len(families) // 2)
    count = max(fewest, round(_VALIDATED * len(families)))
    valid = np.random.default_rng(0).permutation(families)[:count]
    return np.where(np.isin(family, valid), "valid", "train")


def _recipe(make: type[Engine], synth: str, out: Path, minutes: float, speed: float, *, device: str) -> str:
    """The recipe as TOML; JSON's texts and numbers are TOML's.

    `speed` is in presets a second. What rendering leaves of the minutes is for training, which the clock ends, not its
    steps.
    """
    items = int(np.clip(60 * minutes * _RENDERING * speed, *_ITEMS))
    left = minutes - items / speed / 60
    settings = {
        "synth": synth,
        "bank": str(out / "bank.npz"),
        "out": str(out),
        "items": items,
        "plain": 0.15,
        "crossed": 0.45,
        "jittered": 0.35,
        "steps": 1_000_000,
        "minutes": round(max(0.5, left), 2),
        "batch": 128,
        "workers": 1 if device == "cuda" else 2,
        "learning_rate": 5e-4,
        "augmented": 0.4,
        "device": device,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    if len(make.space) <= _SMALL:
        lines += ["", "[sizes]"]
        lines += [f"{key} = {value}" for key, value in _SIZES.items()]
    return "\n".join(lines) + "\n"
