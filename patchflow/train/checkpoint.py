"""What a run writes on its way: checkpoints, from which it goes on exactly, and a log of its losses."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import MissingDependency, ModelError, StorageError
from ..models import Model
from ..old_names import with_new_names
from ..parsing import damage_named, json_value
from ..storage import opened_file, read_bytes, reason, write_atomically
from .schedule import EarlyStopping

__all__ = ["Log", "State", "last_losses", "load_checkpoint", "save_checkpoint"]

_PARTS = ("train", "valid")


@dataclass
class State:
    """Everything a run needs to go on exactly.

    Args:
        model: What is trained.
        average: An equal model that holds the moving average of its weights.
        optimizer: The optimizer of `model`.
        learned: What it learns from, by the keys of its recipe; a run goes on with nothing else.
        step: Steps taken.
        minutes: Minutes of training they took.
        early_stopping: What is known of validation losses.
        best: The weights with the best of them, if those are wanted and there was one.
        sums: Sums of the terms of the loss over the steps since the last check.
        summed: Number of these steps.
    """

    model: Model
    average: Model
    optimizer: torch.optim.Optimizer
    learned: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0
    minutes: float = 0.0
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    best: Mapping[str, Tensor] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    summed: int = 0


def save_checkpoint(path: Path, state: State) -> None:
    """Writes a state.

    Args:
        path: File to write, whole or not at all.
        state: What to write.

    Raises:
        StorageError: If the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for part, values in (
        ("model", state.model.state_dict()),
        ("average", state.average.state_dict()),
        ("best", state.best),
    ):
        tensors |= {f"{part}.{name}": value for name, value in values.items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    contiguous = {name: value.contiguous() for name, value in tensors.items()}

    # Random generators are not here: everything random about a step is seeded by its number. Sums of the losses since
    # the last check are, so that the log of a resumed run is that of one that never stopped.
    header = {
        "step": str(state.step),
        "minutes": repr(state.minutes),
        "kind": type(state.model).__name__,
        "learned": json.dumps(state.learned),
        "early_stopping": json.dumps(asdict(state.early_stopping)),
        "sums": json.dumps(state.sums),
        "summed": str(state.summed),
    }
    write_atomically(path, save(contiguous, header))


def load_checkpoint(path: Path, state: State) -> None:
    """Restores `state` from a checkpoint, if there is one.

    Args:
        path: File that `save_checkpoint` wrote.
        state: What to change.

    Raises:
        ModelError: If the file is damaged, of another model, or of one that learned from something else.
    """
    if not path.exists():
        return
    what = "damaged or of another model or run; remove it to start again"
    with damage_named(path, ModelError, is_what=what):
        with opened_file(path):  # a device or a pipe would keep safetensors waiting
            pass
        with safe_open(path, "pt") as file:
            header = with_new_names("checkpoint", file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        _restore(state, header, tensors)


class Log:
    r"""Appends to `log.jsonl`; lines of steps that a resumed run takes again are removed first.

    Args:
        out: Folder of the run.
        step: Step the run goes on from.
        tensorboard: Whether to write for TensorBoard too.

    Raises:
        MissingDependency: If the package for that is not installed.
        StorageError: If the log cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as out, Log(Path(out), 0) as log:
        ...     log.write({"step": 1, "train": 0.5})
        ...     Path(out, "log.jsonl").read_text()
        '{"step": 1, "train": 0.5}\n'
    """

    def __init__(self, out: Path, step: int, *, tensorboard: bool = False) -> None:
        self._path = out / "log.jsonl"
        self._board = _board(out / "tensorboard", step) if tensorboard else None
        if self._path.exists():
            _trim(self._path, step)

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board is not None:
            self._board.close()

    def write(self, line: Mapping[str, float]) -> None:
        """Adds a line.

        Args:
            line: Numbers by name; `"step"` is one of them.

        Raises:
            StorageError: If the log cannot be written.
        """
        try:
            with self._path.open("a") as log:
                log.write(json.dumps(line) + "\n")
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {reason(error)}") from error
        if self._board is None:
            return
        for name, value in line.items():
            if name != "step":
                self._board.add_scalar(_chart(name), value, line["step"])


def last_losses(out: Path) -> dict[str, float]:
    """Returns the losses of the last check, for people to read; none if the log was removed."""
    try:
        path = out / "log.jsonl"
        line = json_value(read_bytes(path).splitlines()[-1])
        return {name: float(line[name]) for name in _PARTS}
    except (StorageError, ValueError, IndexError, KeyError, TypeError):
        return {}


def _restore(state: State, header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    # what older versions did not write has a default; what they wrote under another name was renamed before
    kind = type(state.model).__name__
    if header.get("kind", kind) != kind:
        raise ValueError(f"of a {header['kind']}, not a {kind}")
    for key, value in json_value(header.get("learned", "{}")).items():
        if state.learned.get(key, value) != value:
            raise ValueError(f"of {key}={value!r}, not {state.learned[key]!r}")
    state.model.load_state_dict(_part(tensors, "model."))
    state.average.load_state_dict(_part(tensors, "average."))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        index, name = key.split(".", 1)
        moments.setdefault(int(index), {})[name] = value
    groups = state.optimizer.state_dict()["param_groups"]  # as the recipe says today, not as the checkpoint's did
    state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    state.step = int(header["step"])
    state.minutes = float(header["minutes"])
    state.early_stopping = EarlyStopping(**json_value(header.get("early_stopping", "{}")))
    state.best = _part(tensors, "best.")
    state.sums = json_value(header.get("sums", "{}"))
    state.summed = int(header.get("summed", "0"))
    if not math.isfinite(state.minutes):
        raise ValueError(f"minutes={state.minutes}")


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _chart(name: str) -> str:
    """What TensorBoard calls a number: `train.latent` is the line `train` of the charts `latent`."""
    part, _, term = name.partition(".")
    return f"{term or 'total'}/{part}" if part in _PARTS else name


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"tensorboard=true needs the package {error.name!r}: pip install 'patchflow[tensorboard]'"
        ) from error
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _trim(path: Path, step: int) -> None:
    """Keeps the lines up to a step; what a crash left half written goes too."""
    lines = read_bytes(path).decode("utf-8", "replace").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and _is_up_to(line, step)]
    if kept != lines:
        write_atomically(path, "".join(kept).encode())


def _is_up_to(line: str, step: int) -> bool:
    try:
        return json_value(line)["step"] <= step
    except (ValueError, KeyError, TypeError):
        return False
