"""Ways through the audio space of a synth: places, paths and maps, and sounds that are searched, varied and played."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import sound_file
from ..engines import Note
from ..errors import OptionError
from ..explore.audio_space import AudioSpace
from ..explore.player import Player, built
from ..features.measures import MEASURES
from ..match.target import prepare_target
from ..match.verdict import closeness
from ..presets import Library, Preset
from ..progress import Progress
from .live_patch import LivePatch

if TYPE_CHECKING:
    from ..match import Matcher
    from ..match.result import MatchResult

__all__ = ["Travels"]

_MAP = 200  # presets of a map where nobody says how many
_CANDIDATES = 8
_QUICK = 2.0  # seconds of a match that stands in for an encoder
_RATE = 44_100
_RENDERED = Note(60, 100, 1.5, 2.5)
_HEARD = Note(60, 100, 0.8, 1.0)  # what is played along a dimension
_MOST_PLACES = 4_096


@dataclass(frozen=True)
class _Heard:
    """What an encoder says of a sound: the note it is played on, and its preset."""

    note: int
    preset: Preset
    z: np.ndarray | None


class Travels:
    """Moves a live patch through the audio space, and does what takes long beside it.

    Args:
        patch: What is moved.
        model: Weights of the audio space, see `AudioSpace.load`; None for the usual ones, `"none"` for the parameters
            themselves.
    """

    def __init__(self, patch: LivePatch, model: str | None = None) -> None:
        self.patch = patch
        self.use_z = True
        self.path: list[np.ndarray] = []
        """Places of the path, as points of the parameters."""
        self._space = self._loaded(model)
        self._place: tuple[Preset, np.ndarray] | None = None  # a preset, and where it lies
        self._at = 0.0
        self._asked = 0  # matches so far
        self._stopped = 0  # up to which of them they are to end
        self._matcher: Matcher | None = None
        patch.more = self.state
        patch.tell_place = self.tell_place

    # ---- where it is

    def state(self) -> dict[str, float | str]:
        """Returns what is set, by name."""
        return {"model": self._space_name, "path": len(self.path), "use_z": int(self.use_z)}

    def position(self) -> tuple[float, ...]:
        """Returns where the preset lies in the audio space."""
        return tuple(self._z().tolist())

    def tell_place(self) -> None:
        """Tells where the preset lies."""
        self.patch.out.send("/z_pos", *chain.from_iterable(enumerate(self.position())))

    def tell_model(self) -> None:
        """Tells synth and audio space."""
        self.patch.out.send(
            "/model_params", "synth", self.patch.synth, "parameters", len(self.patch.space),
            "space", self._space_name, "dimensions", self._space.size,
        )  # fmt: skip

    def set_model(self, name: str) -> None:
        """Loads another audio space, while everything goes on."""

        def change(space: AudioSpace) -> None:
            self._space = space
            self._place = None
            self.tell_model()

        self.patch.worker.start("the model", lambda: self._loaded(name), change)

    def _loaded(self, name: str | None) -> AudioSpace:
        if name == "none":
            return AudioSpace(self.patch.synth, self.patch.space)
        return AudioSpace.load(self.patch.synth, name)

    @property
    def _space_name(self) -> str:
        return "none" if self._space.model is None else type(self._space.model).__name__

    def _z(self) -> np.ndarray:
        """Where the preset lies without its macros; of a place that was gone to, just that place."""
        preset = self.patch.base
        if self._place is None or self._place[0] is not preset:
            self._place = (preset, self._space.encode(self._point(preset)[None])[0])
        return self._place[1].copy()

    def _point(self, preset: Preset) -> np.ndarray:
        space = self.patch.space
        return space.snap(space.encode(preset.values))

    def _go(self, point: np.ndarray, z: np.ndarray) -> None:
        """Plays the preset at a place."""
        now = self.patch.base
        arrived = Preset(self.patch.synth, self.patch.space.decode(point), name=now.name, state=now.state)
        self.patch.arrive(arrived, keep_macros=True)
        self._place = (arrived, z)
        self.patch.has_moved = True

    # ---- moving

    def decode(self, x: float, y: float, d1: int, d2: int) -> None:
        """Goes to x and y along two dimensions."""
        self.decode_hand(x, d1, y, d2)

    def decode_hand(self, *pairs: float) -> None:
        """Goes to places along some dimensions, values and dimensions in turn."""
        z = self._moved(pairs)
        self._go(self._space.presets(z[None])[0], z)

    def _moved(self, pairs: Sequence[float]) -> np.ndarray:
        z = self._z()
        for value, dimension in zip(pairs[::2], pairs[1::2], strict=True):
            z[self._dimension(dimension)] = value
        return z

    def _dimension(self, number: float) -> int:
        if number >= self._space.size:
            raise OptionError(f"dimension={number:g}: not in [0, {self._space.size - 1}]")
        return int(number)

    # ---- paths

    def clear_path(self) -> None:
        """Forgets the path."""
        self.path.clear()
        self.patch.out.send("/path", 0)

    def add_to_path(self, x: float, y: float, d1: int, d2: int) -> None:
        """Adds a place."""
        self._add(self._space.presets(self._moved((x, d1, y, d2))[None])[0])

    def add_preset_to_path(self, number: str) -> None:
        """Adds a preset of the bank."""
        self._add(self._point(self.patch.by_id(number)))

    def _add(self, point: np.ndarray) -> None:
        if len(self.path) == _MOST_PLACES:
            raise OptionError(f"path={_MOST_PLACES + 1}: has {_MOST_PLACES} places at most")
        self.path.append(point)
        self.patch.out.send("/path", len(self.path))

    def set_use_z(self, on: int) -> None:
        """Chooses whether paths lead through the audio space."""
        self.use_z = bool(on)
        self.patch.tell_state()

    def play_path(self, ratio: float) -> None:
        """Goes to a place of the path, 0 to 1."""
        if len(self.path) < 2:
            raise OptionError(f"path={len(self.path)}: has to have two places before it can be played")
        self._at = ratio
        along = ratio * (len(self.path) - 1)
        first = min(int(along), len(self.path) - 2)
        ends = np.stack(self.path[first : first + 2])
        share = along - first
        weights = np.array([[1 - share, share]])
        if not self.use_z:
            point = self.patch.space.snap(weights @ ends)[0]
            self._go(point, self._space.encode(point[None])[0])
            return
        z = self._space.between(self._space.encode(ends), weights)[0]
        self._go(self._space.presets(z[None])[0], z)

    def path_place(self) -> tuple[float]:
        """Returns where on the path it was last."""
        return (self._at,)

    def use_z_now(self) -> tuple[int]:
        """Returns whether paths lead through the audio space."""
        return (int(self.use_z),)

    # ---- maps

    def tell_map(self, first: int = 0, second: int = 1, count: int = _MAP) -> None:
        """Tells where presets of the bank lie along two dimensions."""
        columns = [self._dimension(first), self._dimension(second)]
        ids, points = self.patch.bank_points()
        space = self._space

        def place() -> np.ndarray:
            return space.encode(points()[:count])[:, columns]

        def tell(places: np.ndarray) -> None:
            for number, (x, y) in zip(ids, places.tolist(), strict=False):
                self.patch.out.send("/presets", number, x, y)

        self.patch.worker.start("the map", place, tell)

    def analyse_dimension(self, dimension: int, count: int) -> None:
        """Plays presets along a dimension, and tells what is measured of them."""
        column = self._dimension(dimension)
        along = np.linspace(-2, 2, count) if self._space.model is not None else np.linspace(0, 1, count)
        places = np.repeat(self._z()[None], count, 0)
        places[:, column] = along
        state = self.patch.preset.state
        space = self._space

        def play() -> np.ndarray:
            with Player(lambda: built(self.patch.engine, state), (_HEARD,)) as player:
                return player.play(space.presets(places)).measures[:, 0]

        def tell(measures: np.ndarray) -> None:
            for step, row in enumerate(measures):
                known = [(one.name, float(value)) for one, value in zip(MEASURES, row, strict=True) if value == value]
                place = float(along[step])
                self.patch.out.send("/dimension_analysis", dimension, step, place, *chain.from_iterable(known))

        self.patch.worker.start("the dimension", play, tell)

    # ---- sounds

    def match(self, file: str, seconds: float = 5.0) -> None:
        """Searches for presets that sound like a file; they come in hand."""
        path = self.patch.inside(file)
        self._asked += 1
        number = self._asked
        self.patch.worker.start(f"the match of {path.name}", lambda: self._match(path, seconds, number), self._take)

    def stop_match(self) -> None:
        """Ends all matches that were asked for, which keep the best so far."""
        self._stopped = self._asked

    def _match(self, path: Path, seconds: float, number: int, *, count: int = _CANDIDATES) -> "MatchResult":
        from ..match import Matcher

        if self._matcher is None:
            self._matcher = Matcher.load(self.patch.synth)

        def show(progress: Progress) -> None:
            if number <= self._stopped:
                raise KeyboardInterrupt  # how a match is told to end with what it has
            distance = -1.0 if progress.distance is None else progress.distance
            self.patch.out.send("/match/progress", progress.stage, progress.share, distance)

        return self._matcher.match(path, seconds=seconds, candidates=count, seed=self.patch.seed, progress=show)

    def _take(self, result: "MatchResult") -> None:
        self.patch.target_note = result.candidates[0].note.pitch
        more = [(one.distances["perceptual"], one.closeness) for one in result.candidates]
        self.patch.take([one.preset for one in result.candidates], more=more)

    def encode(self, file: str) -> None:
        """Takes a sound into the audio space."""
        path = self.patch.inside(file)
        self._asked += 1
        number = self._asked
        self.patch.worker.start(f"encoding {path.name}", lambda: self._encoded(path, number), self._take_heard)

    def _encoded(self, path: Path, number: int) -> _Heard:
        if self._space.model is None:
            best = self._match(path, _QUICK, number, count=1).candidates[0]
            return _Heard(best.note.pitch, best.preset, None)
        target = prepare_target(sound_file.load(path))
        pitch = target.guesses[0].pitch
        note = Note(pitch, 100, min(target.hold, 60.0), max(target.length, 0.01))
        z = self._space.hear(target.samples[None], target.rate, note)
        values = self.patch.space.decode(self._space.presets(z)[0])
        return _Heard(pitch, Preset(self.patch.synth, values, name=path.stem), z[0])

    def _take_heard(self, heard: _Heard) -> None:
        self.patch.target_note = heard.note
        self.patch.out.send("/target_pitch", self.patch.played(heard.note))
        self.patch.place = 0
        self.patch.arrive(heard.preset)
        if heard.z is not None:
            self._place = (heard.preset, heard.z)
        self.tell_place()
        self.patch.tell_patch()

    def vary(self, amount: float, count: int = _CANDIDATES) -> None:
        """Makes variations of the preset; they come in hand."""
        from ..explore.good_presets import GoodPresets
        from ..explore.vary import vary

        preset = self.patch.preset
        library = Library(self.patch.library).path

        def make() -> Any:
            good = GoodPresets.load(self.patch.synth, library if library.exists() else None)
            return vary(good, preset, amount, count=count, seed=self.patch.seed)

        def take(found: Any) -> None:
            more = [(child.distances[0], closeness(child.distances[0], child.cents)) for child in found.children]
            self.patch.take([child.preset for child in found.children], 0, more=more)

        self.patch.worker.start("the variations", make, take)

    def render(self, file: str, note: int | None = None) -> None:
        """Writes what the preset sounds like."""
        path = self.patch.inside(file)
        if path.suffix.lower() not in (".wav", ".flac"):
            raise OptionError(f"file={file!r}: not a .wav or .flac file")
        preset = self.patch.preset
        pitch = self.patch.played(60 if note is None else note)

        def play() -> str:
            engine = built(self.patch.engine, preset.state)
            played = Note(pitch, _RENDERED.velocity, _RENDERED.hold, _RENDERED.length)
            samples = engine.render(self._point(preset), played, _RATE)
            sound_file.save(path, samples, _RATE)
            return path.name

        def tell(name: str) -> None:
            self.patch.out.send("/rendered", name)

        self.patch.worker.start("the sound", play, tell)
