"""A shell of one's own: a folder, a sound in it, and a way to run the command line there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.cli import run
from patchflow.engines import Note, engines

__all__ = ["Done", "Shell", "shell"]

RATE = 44_100


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder."""

    folder: Path
    run: Callable[..., Done]

    def save(self, name: str, samples: np.ndarray, rate: int = RATE, subtype: str | None = None) -> Path:
        """Writes a sound file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, subtype)
        return path

    def tone(self, name: str, pitch: int = 69, seconds: float = 0.4, rate: int = RATE) -> Path:
        """Writes what the tone engine plays."""
        tone = engines["tone"]()
        point = tone.space.encode({"wave": "sine", "decay": 0.2, "gain": -9.0})
        return self.save(name, tone.render(point, Note(pitch, 100, 0.75 * seconds, seconds), rate), rate)

    def files(self) -> set[str]:
        """Names of all files, hidden ones too."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """A shell in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run_here(*words: object) -> Done:
        capfd.readouterr()
        code = run([str(word) for word in words])
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return Shell(tmp_path, run_here)
