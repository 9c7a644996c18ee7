"""The log of a run: a line of JSON a check, and TensorBoard's files if wanted."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import MissingDependency, StorageError
from ..parsing import json_value
from ..storage import read_bytes, reason, write_atomically

__all__ = ["Log", "last_losses"]

_PARTS = ("train", "valid")


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
