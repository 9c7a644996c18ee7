"""What the tests of the search share: short targets and a watched engine."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from patchflow.engines import Note, Renderer
from patchflow.engines.tone import Tone
from patchflow.match import NoteGuess, Target
from patchflow.match.scorer import Scorer

__all__ = ["RATE", "Watched", "make_target", "point_of"]

RATE = 22_050


def point_of(wave: str = "sine", decay: float = 0.3, gain: float = -6.0) -> np.ndarray:
    """An encoded preset of the tone engine."""
    return Tone.space.encode({"wave": wave, "decay": decay, "gain": gain})


def make_target(
    point: np.ndarray | None = None, pitch: int = 60, length: float = 0.5, guesses: tuple[NoteGuess, ...] = ()
) -> Target:
    """What the tone engine plays, as a target."""
    note = Note(pitch, 100, 0.6 * length, length)
    samples = Tone().render(point_of() if point is None else point, note, RATE)
    return Target(samples, RATE, guesses or (NoteGuess(pitch, 0.9),), note.hold, "beep.wav")


class Watched(Tone):
    """A tone engine that writes down what all its instances play."""

    heard: list[tuple[np.ndarray, Note, int]]

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        self.heard.append((np.array(point), note, rate))
        return super().render(point, note, rate)


@pytest.fixture
def watched() -> type[Watched]:
    Watched.heard = []
    return Watched


@pytest.fixture
def scorer_of() -> Iterator[Callable[..., Scorer]]:
    """Makes scorers for targets; their threads end with the test."""
    renderers: list[Renderer] = []

    def make(target: Target, engine: type[Tone] = Tone, threads: int = 2) -> Scorer:
        renderers.append(Renderer(engine, threads))
        return Scorer(renderers[-1], target)

    yield make
    for renderer in renderers:
        renderer.close()
