"""Checkpoints of a run: all that decides how it goes on, as safetensors."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import ModelError
from ..models import Model
from ..storage import write_atomically
from .early_stopping import Watch

__all__ = ["State", "load_checkpoint", "save_checkpoint"]


@dataclass
class State:
    """Everything a run needs to go on exactly.

    Args:
        model: What is trained.
        average: An equal model that holds the moving average of its weights.
        optimizer: Of `model`.
        learned: What it learns from, by the keys of its recipe; a run goes on with nothing else.
        step: Steps taken.
        minutes: Minutes of training they took.
        watch: What is known of validation losses.
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
    watch: Watch = field(default_factory=Watch)
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
    tensors = {f"model.{k}": v for k, v in state.model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in state.average.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in state.best.items()}
    for index, entry in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in entry.items()}
    header = {
        "step": str(state.step),
        "minutes": repr(state.minutes),
        "kind": type(state.model).__name__,
        "learned": json.dumps(state.learned),
        "watch": json.dumps(asdict(state.watch)),
        "sums": json.dumps(state.sums),
        "summed": str(state.summed),
    }
    write_atomically(path, save({k: v.contiguous() for k, v in tensors.items()}, header))


def load_checkpoint(path: Path, state: State) -> None:
    """Restores `state` from a checkpoint, if there is one.

    Raises:
        ModelError: If the file is damaged, of another model, or of one that learned from something else.
    """
    if not path.exists():
        return
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        _restore(state, header, tensors)
    except (KeyError, OSError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: damaged or of another model or run; remove it to start again ({reason})") from error


def _restore(state: State, header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    kind = type(state.model).__name__
    if header.get("kind", kind) != kind:
        raise ValueError(f"of a {header['kind']}, not a {kind}")
    for key, value in json.loads(header.get("learned", "{}")).items():
        if state.learned.get(key, value) != value:
            raise ValueError(f"of {key}={value!r}, not {state.learned[key]!r}")
    state.model.load_state_dict(_part(tensors, "model."))
    state.average.load_state_dict(_part(tensors, "average."))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        index, name = key.split(".", 1)
        moments.setdefault(int(index), {})[name] = value
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    state.step, state.minutes = int(header["step"]), float(header["minutes"])
    state.watch = Watch(**json.loads(header.get("watch", "{}")))
    state.best = _part(tensors, "best.")
    state.sums, state.summed = json.loads(header.get("sums", "{}")), int(header.get("summed", "0"))
    if not math.isfinite(state.minutes):
        raise ValueError(f"minutes={state.minutes}")


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
