"""A run from its recipe to its weights."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engines import engines
from ..models import read_header, save_model
from ..progress import ProgressCallback, ignore
from ..storage import make_folder, write_atomically
from ..version import commit
from .build import begin, settle
from .checkpoint import State, load_checkpoint
from .distributed import Team, joined
from .loader import Feed
from .log import Log, last_losses
from .loop import Loop
from .recipe import Recipe, read_recipe
from .replicas import Replicas
from .training_data import Source, open_material, open_source, streamed

__all__ = ["train"]


def train(
    recipe: str | Path,
    overrides: Mapping[str, str] | None = None,
    progress: ProgressCallback = ignore,
) -> Path:
    """Renders the training items or opens the examples, fits the model and writes its weights.

    Interrupted runs go on from their last checkpoint, to the same weights. `log.jsonl` in the output folder holds
    every term of the loss, `recipe.json` the settings as resolved and the commit. Started by torchrun, several
    processes share every batch; the first one renders, writes and reports.

    Args:
        recipe: Path of a TOML recipe, see `Recipe`.
        overrides: Values by key, as text.
        progress: Called after every block of renders and every check.

    Returns:
        Path of the weights.

    Raises:
        OptionError: If the recipe has values that are not allowed or contradict each other, memory is not enough
            for its batch, or the model cannot be compiled.
        UnknownName: If it names keys, synths, models, sizes or terms of the loss that do not exist.
        StorageError: If bank or examples are missing or of another synth, or a file cannot be written.
        ModelError: If a term of the loss stops being finite; the last checkpoint is kept.
        MissingDependency: If it wants TensorBoard, and that is not installed.
    """
    settings = read_recipe(recipe, overrides)
    with joined(settings.device) as team:
        return _train(settings, team, progress)


def _train(settings: Recipe, team: Team, progress: ProgressCallback) -> Path:
    out, source = Path(settings.out), open_source(settings)
    state = begin(settings, engines[settings.synth].space, source, team.device)
    load_checkpoint(out / "checkpoint.safetensors", state)
    if team.leads:
        _write_settings(out, settings)
    material = open_material(settings, source, team, progress)
    terms = settle(state, settings, material, team.device)
    team.prepare(state.model)
    with ExitStack() as stack:
        items = stack.enter_context(streamed(settings, source, material, state.step))
        log = stack.enter_context(Log(out, state.step, tensorboard=settings.tensorboard)) if team.leads else None
        feed = stack.enter_context(
            Feed(
                items, material.hears, batch=settings.batch, seed=settings.seed, shuffled=settings.epochs > 0,
                augmented=settings.augmented, device=team.device,
            )
        )  # fmt: skip
        replicas = stack.enter_context(Replicas(state.model, settings.workers, team, compiled=settings.compile))
        Loop(settings, state, terms, material, feed, replicas, team, out, log, progress).run()
    path = out / f"{settings.synth}.safetensors"
    if team.leads:
        _keep(path, state, settings, round(state.step / feed.epoch, 3), source)
    team.wait()
    return path


def _keep(path: Path, state: State, settings: Recipe, epochs: float, source: Source) -> None:
    """Writes the weights that are kept, and what they are."""
    about: dict[str, Any] = {"recipe": asdict(settings), "commit": commit(), "steps": state.step}
    about |= {"epochs": epochs, "minutes": round(state.minutes, 3), "losses": last_losses(path.parent)}
    if source.examples is not None:
        about["data"] = source.examples.fingerprint  # so that nobody tests it on what it has learned
    if settings.start:
        about["before"] = json.loads(read_header(settings.start)["about"])
    if state.best and settings.keeps_best:
        state.average.load_state_dict(state.best)
        about["best"] = {"step": state.watch.best_step, "loss": state.watch.best}
    save_model(path, state.average, settings.model, settings.synth, about=about)


def _write_settings(out: Path, settings: Recipe) -> None:
    make_folder(out)
    write_atomically(out / "recipe.json", json.dumps({**asdict(settings), "commit": commit()}, indent=1).encode())
