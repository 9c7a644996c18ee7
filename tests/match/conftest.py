"""What the tests of the search share: short targets and a watched engine."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from patchflow.engines import Note, Renderer
from patchflow.engines.tone import Tone
from patchflow.match import NoteGuess, Target
from patchflow.match.proposals import Proposer
from patchflow.match.scorer import Scored, Scorer
from patchflow.match.stages import Draw

__all__ = ["GUESSES", "RATE", "Watched", "draw", "found", "make_target", "point_of", "scored"]

RATE = 22_050
GUESSES = (NoteGuess(60, 0.6), NoteGuess(72, 0.3), NoteGuess(48, 0.1))


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


def scored(points: np.ndarray, distance: np.ndarray, pitch: int = 60) -> Scored:
    """Presets as if they had been heard."""
    count = len(points)
    faint, mels = np.zeros(count), np.zeros((count, 80, 4), np.uint8)
    sounds = np.full(count, None)
    pitches = np.full(count, pitch)
    coarse = np.zeros((count, 20), np.float32)
    return Scored(points, pitches, distance, distance, faint, mels, coarse, np.zeros((count, 2)), sounds)


def draw(*proposers: Proposer, guesses: tuple[NoteGuess, ...] = GUESSES) -> Draw:
    """The first stage, for a beep that may be several notes."""
    return Draw(make_target(guesses=guesses), proposers, np.random.default_rng(0))


def found() -> Scored:
    """Eight presets, 1 to 8 dB from the target."""
    return scored(np.random.default_rng(3).random((8, 3)), np.arange(1.0, 9.0))
