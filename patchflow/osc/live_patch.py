"""The state of live control: a preset, its macros, presets in hand, a path; what every message does to it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..engines import engines, load_presets, save_presets
from ..errors import OptionError, PresetError, StorageError, UnknownName
from ..explore.macro_knobs import MacroKnobs
from ..presets import Library, Preset, Value, chosen_voice
from .live_macros import LiveMacros, native_value, normal_value

__all__ = ["LivePatch", "LongWork", "Outlet"]

_SHOWN = 500  # presets in hand that are listed


@runtime_checkable
class Outlet(Protocol):
    """Where answers go."""

    def send(self, path: str, *values: float | str) -> None:
        """Sends one message."""

    def send_parameters(self, preset: Preset, changed: Sequence[str], *, whole: bool) -> None:
        """Sends parameters that changed to everybody who follows."""


@runtime_checkable
class LongWork(Protocol):
    """Does what takes long, one after the other, beside the messages."""

    def start(self, what: str, task: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Does `task` later, and then gives what it returns to `then`, in the turn of the messages."""


@dataclass
class LivePatch:
    """A preset that is played while messages change it.

    Its methods are what `addresses.ADDRESSES` calls, all in one thread; `flush` sends what they changed. What takes
    long goes to the worker, and comes back in the same thread.

    Args:
        synth: Name of the engine.
        out: Where answers go.
        worker: Does what takes long.
        folders: Files are read and written in these, and nowhere else.
        library: The preset library of the user; None for their own.
        seed: Of everything that is drawn.
    """

    synth: str
    out: Outlet
    worker: LongWork
    folders: tuple[Path, ...]
    library: Path | None = None
    seed: int = 0
    base: Preset = field(init=False)
    """The preset as it is without macros."""
    preset: Preset = field(init=False)
    """The preset as it is played."""
    hand: tuple[Preset, ...] = ()
    place: int = 0
    """Of the preset in hand, from 1; 0 if it is none of them."""
    target_note: int = 60
    """The MIDI note that the last sound was heard to play."""
    frozen: bool = False
    shift: int = 0
    octave: int = 0

    def __post_init__(self) -> None:
        self.engine = engines[self.synth]
        self.space = self.engine.space
        self.macros = LiveMacros(self.synth)
        self.base = Preset(self.synth, self.space.decode(self.space.default()), name="INIT")
        self.preset = self.base
        self._edited: dict[str, None] = {}  # parameters set by hand, which macros leave
        self._measuring = False
        self._arrivals = 0  # whole presets so far: what was measured of one before is of no use
        self._turn = False
        self._whole = True
        self._sent: Mapping[str, Value] = {}
        self.bank = "embedded"
        self.more: Callable[[], Mapping[str, float | str]] = dict  # what else the state says
        self.tell_place: Callable[[], None] = lambda: None  # says where in the audio space it is
        self.has_moved = False  # whether the place is to be told when the parameters are out
        self._file: Path | None = None
        self._rng = random.Random(self.seed)

    # ---- what is sent

    def flush(self) -> None:
        """Sends what the messages since the last call have changed."""
        if self._turn:
            self._turn = False
            self._turn_macros()
        if not self.frozen:
            self._send_changes()
        if self.has_moved:
            self.has_moved = False
            self.tell_place()

    def _send_changes(self) -> None:
        values = self.preset.values
        changed = [name for name, value in values.items() if self._sent.get(name) != value]
        if changed or self._whole:
            whole, self._whole, self._sent = self._whole, False, dict(values)
            self.out.send_parameters(self.preset, changed, whole=whole)

    def _turn_macros(self) -> None:
        base = self.base
        if self.macros.turned and not self.macros.is_ready:
            if not self.macros.is_learned:
                self._measure_macros(base)
                return
            self.macros.take(MacroKnobs(base))
        self.preset = self.macros.applied(base, self._edited)

    def _measure_macros(self, preset: Preset) -> None:
        """Has the slopes around a preset measured; macros wait for that, nothing else does."""
        if self._measuring:
            return
        self._measuring = True
        arrivals = self._arrivals

        def measured() -> MacroKnobs | None:
            try:
                return MacroKnobs(preset)
            finally:
                self._measuring = False

        def take(knobs: MacroKnobs) -> None:
            if arrivals == self._arrivals:
                self.macros.take(knobs)
            self._turn = True

        try:
            self.worker.start("the macros", measured, take)
        except OptionError:  # too much waits: the next turn of a macro tries again
            self._measuring = False
            raise
        self.out.send("/print", f"measuring what macros do to {preset.name or 'the preset'}")

    def arrive(self, preset: Preset, *, keep_macros: bool = False) -> None:
        """Makes a preset the one that is played.

        Args:
            preset: The preset.
            keep_macros: Leave macros where they are, and let them move this preset as they moved the one before.
        """
        self.base = preset
        self.preset = preset
        self._edited = {}
        self._whole = True
        if keep_macros:
            self._turn = bool(self.macros.turned)
            return
        self._arrivals += 1
        turned = self.macros.turned
        self.macros.begin()
        for number in turned:
            self.set_macro(number, 0.5)

    # ---- parameters and macros

    def set_parameter(self, name: str, share: float) -> None:
        """Sets a parameter by its place, 0 to 1."""
        value = native_value(self.space.parameters[self.space.index[name]], share)
        values = {**self.base.values, name: value}
        self.base = replace(self.base, values=values)
        self._edited[name] = None
        self.preset = replace(self.preset, values={**self.preset.values, name: value})

    def set_parameters(self, *pairs: str | float) -> None:
        """Sets parameters by names and places in turn."""
        for name, share in zip(pairs[::2], pairs[1::2], strict=True):
            if name not in self.space.index:
                raise UnknownName("parameter", name, self.space.names)
            self.set_parameter(str(name), float(share))

    def set_macro(self, number: int, place: float) -> None:
        """Turns a macro, 0.5 is the middle."""
        self.macros.turn(number, place)
        self._turn = True
        self.out.send(f"/param/macro/{number}", *self.macro(number))

    def set_word(self, number: int, word: str) -> None:
        """Makes a macro turn another word."""
        found = self.macros.set_word(number, word)
        self._turn = True
        self.out.send("/macro/word", number, word, found.low, found.high)

    def parameter(self, name: str) -> tuple[float | str, ...]:
        """Returns the place of a parameter, and its value for people."""
        parameter = self.space.parameters[self.space.index[name]]
        value = self.preset.values[name]
        text = value if isinstance(value, str) else f"{value:.4g} {parameter.unit}".rstrip()
        return normal_value(parameter, value), text

    def macro(self, number: int) -> tuple[float | str, ...]:
        """Returns the place of a macro, and its word."""
        words = self.macros.words
        return self.macros.places[number - 1], words[number - 1].word if number <= len(words) else ""

    # ---- telling

    def tell_state(self) -> None:
        """Tells what is set."""
        known = {
            "synth": self.synth, "preset": self.preset.name, "place": self.place, "in_hand": len(self.hand),
            "bank": self.bank, "frozen": int(self.frozen), "shift": self.shift, "octave": self.octave, **self.more(),
        }  # fmt: skip
        self.out.send("/state", *chain.from_iterable(known.items()))

    def tell_all(self) -> None:
        """Tells everything."""
        self.tell_state()
        self.out.send("/params_nb", len(self.space))
        self.tell_parameters()
        self.tell_place()
        self._tell_hand()

    def tell_parameters(self) -> None:
        """Tells all macros and parameters."""
        for number in range(1, len(self.macros.words) + 1):
            self.out.send(f"/param/macro/{number}", *self.macro(number))
        self._whole = True
        self._sent = {}

    def tell_patch(self) -> None:
        """Tells which preset it is."""
        self.out.send("/patch", *self.patch())

    def patch(self) -> tuple[float | str, ...]:
        """Returns name, place and how many are in hand."""
        return self.preset.name, self.place, len(self.hand)

    def _tell_hand(self, more: Sequence[tuple[float, str]] = ()) -> None:
        for number, preset in enumerate(self.hand[:_SHOWN], 1):
            near = more[number - 1] if more else ()
            self.out.send("/candidate", number, preset.name, *near)

    # ---- presets

    def take(self, presets: Sequence[Preset], place: int = 1, *, more: Sequence[tuple[float, str]] = ()) -> None:
        """Takes presets in hand, and loads one of them.

        Args:
            presets: At least one.
            place: Which is loaded, from 1; 0 for none.
            more: Of candidates, how near each is.
        """
        self.hand = tuple(presets)
        self.place = 0
        self._tell_hand(more)
        if place:
            self.load_candidate(place)

    def load_candidate(self, place: int) -> None:
        """Loads a preset in hand."""
        if not 1 <= place <= len(self.hand):
            raise OptionError(f"place={place}: not in [1, {len(self.hand)}]" if self.hand else "no preset in hand")
        self.place = place
        self.arrive(self.hand[place - 1])
        self.tell_patch()

    def next_preset(self) -> None:
        """Loads the next preset in hand; after the last one the first."""
        self.load_candidate(self.place % len(self.hand) + 1 if self.hand else 1)

    def previous_preset(self) -> None:
        """Loads the one before."""
        self.load_candidate((self.place - 2) % len(self.hand) + 1 if self.hand else 1)

    def load(self, name: str) -> None:
        """Loads a file; all its presets are in hand."""
        path, voice = chosen_voice(self.inside(name))
        report = load_presets(path, self.synth)
        if not report.presets:
            raise PresetError(f"{path.name}: {report.rejected[0].reason}")
        if report.problems:
            self.out.send("/print", f"{path.name}: {report.problems[0]}")
        if voice is not None and voice not in report.places:
            raise OptionError(f"voice={voice}: {path.name} has {report.count}")
        self._file = path
        self.take(report.presets, 1 if voice is None else report.places.index(voice) + 1)

    def save(self, name: str = "") -> None:
        """Writes the preset to a file."""
        path = self.inside(name) if name else self._file
        if path is None:
            raise OptionError("nothing was loaded or saved yet, so say the file")
        save_presets(path, [self.preset])
        self._file = path
        self.out.send("/patch/saved", path.name)

    def inside(self, name: str) -> Path:
        """The file of a name, if it lies in one of the folders.

        Raises:
            StorageError: If it does not, or this is no name.
        """
        for folder in self.folders:
            try:
                path = (folder / name).resolve()  # links are followed: what they lead to counts
                path.exists()
            except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, or a zero in it
                raise StorageError(f"file={name[:40]!r}: not a name that a file can have") from error
            if path.is_relative_to(folder.resolve()) and (path.parent.exists() or len(self.folders) == 1):
                return path
        raise StorageError(f"file={name!r}: not in {' or '.join(map(str, self.folders))}. Name another with --folder.")

    def set_bank(self, name: str) -> None:
        """Chooses whose numbers count."""
        if name not in ("embedded", "library"):
            raise UnknownName("bank", name, ("embedded", "library"))
        self.bank = name
        self.tell_state()

    def by_id(self, number: str) -> Preset:
        """Returns a preset of the bank.

        Raises:
            UnknownName: If it has none of this number.
        """
        from ..browse.embedded import embedded_preset

        digits = number.removeprefix(f"{self.synth}:")
        if not digits.isdecimal() or len(digits) > 9:
            raise OptionError(f"id={number[:40]!r}: not the number of a preset")
        if self.bank == "embedded":
            return embedded_preset(self.synth, int(digits))
        found = Library(self.library).get(int(digits))
        if found.synth != self.synth:
            raise PresetError(f"preset {digits} is for {found.synth}, not for {self.synth}")
        return found

    def load_id(self, number: str) -> None:
        """Loads a preset of the bank."""
        self.place = 0
        self.arrive(self.by_id(number))
        self.tell_patch()

    def random_preset(self) -> None:
        """Loads any preset of the bank."""
        ids, _ = self.bank_points()
        self.load_id(str(self._rng.choice(ids)))

    def bank_points(self) -> tuple[list[int], Callable[[], np.ndarray]]:
        """The numbers of all presets of the bank, and a way to their points."""
        from ..browse.embedded import embedded_presets

        if self.bank == "library":
            library = Library(self.library)
            ids = list(library.ids(self.synth))
            if not ids:
                raise OptionError(f"the library has no preset of {self.synth}")
            return ids, lambda: library.points(self.synth, self.space)
        found = embedded_presets(self.synth)
        return found.ids.tolist(), lambda: found.points(self.space)

    # ---- playing

    def frozen_now(self) -> tuple[int]:
        """Returns whether changes are kept back."""
        return (int(self.frozen),)

    def shift_now(self) -> tuple[int]:
        """Returns by how many semitones notes are moved."""
        return (self.shift,)

    def octave_now(self) -> tuple[int]:
        """Returns by how many octaves notes are moved."""
        return (self.octave,)

    def freeze(self, on: int) -> None:
        """Keeps back what changes, or lets the newest out."""
        self.frozen = bool(on)
        self.tell_state()

    def set_shift(self, semitones: int) -> None:
        """Moves notes by semitones."""
        self.shift = semitones
        self.out.send("/target_pitch", self.played(self.target_note))

    def set_octave(self, octaves: int) -> None:
        """Moves notes by octaves."""
        self.octave = octaves
        self.out.send("/target_pitch", self.played(self.target_note))

    def played(self, note: int) -> int:
        """Returns the note that is played for another, 0 to 127."""
        return min(max(note + self.shift + 12 * self.octave, 0), 127)
