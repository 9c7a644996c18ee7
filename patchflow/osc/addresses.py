"""All OSC addresses: what each takes, what it does, and what it answers; the server and the documents read this."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..errors import OptionError, UnknownName
from ..presets import ParamSpace

__all__ = [
    "ADDRESSES",
    "ANSWERS",
    "MACROS",
    "AddressTable",
    "Argument",
    "FoundAddress",
    "OscAddress",
    "OscAnswer",
]

MACROS = 8
"""How many macros there are, from 1 on."""

Kind = Literal["value", "event", "command"]
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.+-]+")  # what no part of an address may hold, and what would be a pattern


@dataclass(frozen=True)
class Argument:
    """One argument of an address.

    Args:
        name: What it is, in one word.
        kind: `"number"`, `"whole"` for whole numbers, `"text"`.
        low: Smallest value of a number.
        high: Largest value.
        clip: Whether a number that is out of the range becomes its end; else it is an error.
        optional: Whether it may be left out; only the last ones may.
    """

    name: str
    kind: Literal["number", "whole", "text"] = "number"
    low: float = -math.inf
    high: float = math.inf
    clip: bool = False
    optional: bool = False

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.kind == "text":
            return "a text"
        what = "a whole number" if self.kind == "whole" else "a number"
        return what if math.isinf(self.low) else f"{what} in [{self.low:g}, {self.high:g}]"

    def checked(self, value: object) -> float | int | str:
        """Returns a value as it is used.

        Raises:
            OptionError: If it is not allowed.

        Example:
            >>> Argument("value", low=0, high=1, clip=True).checked(1.5)
            1.0
            >>> Argument("note", "whole", 0, 127).checked(60.0)
            60
        """
        if self.kind == "text":
            return self._text(value)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise OptionError(f"{self.name}={_shown(value)}: not {self.allowed}")
        if self.clip:
            return float(min(max(value, self.low), self.high))
        if not self.low <= value <= self.high or (self.kind == "whole" and value != int(value)):
            raise OptionError(f"{self.name}={_shown(value)}: not {self.allowed}")
        return int(value) if self.kind == "whole" else float(value)

    def _text(self, value: object) -> str:
        # A number is a text too: the numbers of presets are sent as they are.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise OptionError(f"{self.name}={_shown(value)}: not {self.allowed}")
        return str(value)


@dataclass(frozen=True)
class OscAddress:
    """One address that is received.

    Args:
        path: The address; `{macro}` stands for 1 to 8, `{parameter}` for the group and the name of a parameter.
        call: Who does it: `server`, `patch`, `travels`, `midi` or `sysex`, and its method.
        does: What it does, for people.
        arguments: What it takes.
        answers: Addresses of what is sent back.
        alias: The same in the original system; "" if it had none.
        kind: Of a `value` only the newest counts; an `event` is done in its turn, whatever comes later; a `command`
            also divides the values before it from those after it.
        repeats: How often the arguments may come, one set after the other.
        asks: The method, of the same, that returns what it is at, for `/q`; "" if that cannot be asked for.
    """

    path: str
    call: str
    does: str
    arguments: tuple[Argument, ...] = ()
    answers: tuple[str, ...] = ()
    alias: str = ""
    kind: Kind = "command"
    repeats: int = 1
    asks: str = ""

    def checked(self, values: Sequence[object]) -> list[Any]:
        """Returns the arguments as they are used.

        Raises:
            OptionError: If there are too few or too many, or one is not allowed.
        """
        least = sum(not argument.optional for argument in self.arguments)
        most = len(self.arguments) * self.repeats
        sets_fit = self.repeats == 1 or len(values) % len(self.arguments) == 0
        if not (least <= len(values) <= most and sets_fit):
            wanted = " ".join(argument.name for argument in self.arguments) or "nothing"
            again = f", up to {self.repeats} times" if self.repeats > 1 else ""
            raise OptionError(f"{len(values)} arguments: it takes {wanted}{again}")
        return [self.arguments[place % len(self.arguments)].checked(value) for place, value in enumerate(values)]


@dataclass(frozen=True)
class OscAnswer:
    """One address that is sent.

    Args:
        path: The address.
        arguments: What comes with it, in words.
        says: What it means.
    """

    path: str
    arguments: str
    says: str


class FoundAddress(NamedTuple):
    """What an address means.

    Attributes:
        address: Its declaration.
        first: What stands for its placeholder: the number of a macro or the name of a parameter.
    """

    address: OscAddress
    first: tuple[Any, ...] = ()


_UNIT = Argument("value", low=0, high=1, clip=True)
_ON = Argument("on", "whole", 0, 1)
_FILE = Argument("file", "text")
_ID = Argument("id", "text")
_NOTE = Argument("note", "whole", 0, 127)
_VELOCITY = Argument("velocity", low=0, high=127)
_CHANNEL = Argument("channel", "whole", 0, 15)
_COORDINATE = Argument("x", low=-8, high=8)
_DIMENSION = Argument("d", "whole", 0, 9_999)
_MACRO = Argument("macro", "whole", 1, MACROS)
_POINT = (
    _COORDINATE,
    Argument("y", low=-8, high=8),
    Argument("d1", "whole", 0, 9_999),
    Argument("d2", "whole", 0, 9_999),
)
_LOADED = ("/patch", "/params", "/param/...")
_MOVED = ("/z_pos", "/params", "/param/...")

ADDRESSES = (
    OscAddress("/ping", "server.ping", "says that it is there, after all that came before is done",
               (), ("/from_server",), "/ping"),
    OscAddress("/stop", "server.stop", "ends patchflow live", (), ("/terminated",), "/stop"),
    OscAddress("/state", "patch.tell_state", "tells what is set, as names and values", (), ("/state",), "/get_state"),
    OscAddress("/state/all", "patch.tell_all", "tells everything again",
               (), ("/state", "/params_nb", "/params", "/param/...", "/z_pos", "/candidate"), "/resend_state"),
    OscAddress("/param/{parameter}", "patch.set_parameter",
               "sets a parameter: 0 is its lowest value or first option, 1 the highest or last", (_UNIT,),
               ("/param/...",), kind="value", asks="parameter"),
    OscAddress("/param/macro/{macro}", "patch.set_macro",
               "turns a macro of the preset: 0.5 is the preset as it was loaded, 0 and 1 are 2 standard deviations",
               (_UNIT,), ("/param/macro/...", "/param/..."), kind="value", asks="macro"),
    OscAddress("/macro/word", "patch.set_word", "makes a macro turn another word, see `patchflow macros`",
               (_MACRO, Argument("word", "text")), ("/macro/word",)),
    OscAddress("/q/all_params", "patch.tell_parameters", "tells all macros and parameters", (), ("/param/...",)),
    OscAddress("/params", "patch.set_parameters", "sets parameters by name: names and values 0 to 1 in turn",
               (Argument("name", "text"), _UNIT), ("/param/...",), repeats=2_000),
    OscAddress("/patch/load", "patch.load", "loads a preset file, a bank or a voice of one, such as bank.syx:3",
               (_FILE,), _LOADED),
    OscAddress("/patch/save", "patch.save", "writes the preset to a file, whose ending says the format; without a "
               "file, to the one that was loaded or saved last", (Argument("file", "text", optional=True),),
               ("/patch/saved",)),
    OscAddress("/patch/incr", "patch.next_preset", "goes to the next preset in hand", (), _LOADED),
    OscAddress("/patch/decr", "patch.previous_preset", "goes to the one before", (), _LOADED),
    OscAddress("/patch/random", "patch.random_preset", "goes to any preset of the bank", (), _LOADED),
    OscAddress("/patch/id", "patch.load_id", "loads a preset of the bank by its number", (_ID,),
               _LOADED, "/load_preset"),
    OscAddress("/patch", "patch.tell_patch", "tells name and place of the preset", (), ("/patch",), asks="patch"),
    OscAddress("/bank", "patch.set_bank", "chooses which presets have numbers: embedded, those that come with "
               "patchflow, or library, your own", (Argument("name", "text"),), ("/state",), "/set_dataset"),
    OscAddress("/candidate", "patch.load_candidate", "goes to a preset in hand, the first is 1; after a match these "
               "are its candidates", (Argument("place", "whole", 1, 9_999),), _LOADED),
    OscAddress("/match", "travels.match", "searches for presets that sound like a sound file; they come in hand",
               (_FILE, Argument("seconds", low=0.1, high=600, optional=True)),
               ("/match/progress", "/candidate", *_LOADED)),
    OscAddress("/match/stop", "travels.stop_match", "ends the matches asked for; the best so far are kept", (),
               ("/candidate",)),
    OscAddress("/vary", "travels.vary", "makes variations of the preset; they come in hand",
               (Argument("amount", low=0.05, high=1), Argument("count", "whole", 1, 32, optional=True)),
               ("/candidate",)),
    OscAddress("/render", "travels.render", "writes what the preset sounds like to a .wav file",
               (_FILE, Argument("note", "whole", 0, 127, optional=True)), ("/rendered",)),
    OscAddress("/encode", "travels.encode", "takes a sound file into the audio space of the model, and its preset; "
               "without such a model, matches it for 2 s", (_FILE,), ("/target_pitch", "/patch", *_MOVED), "/encode"),
    OscAddress("/z", "travels.decode", "goes to x and y along two dimensions of the audio space, from where it is",
               _POINT, _MOVED, "/decode", kind="value", asks="position"),
    OscAddress("/z/hand", "travels.decode_hand", "goes to places along up to 6 dimensions", (_COORDINATE, _DIMENSION),
               _MOVED, "/decode_hand", kind="value", repeats=6),
    OscAddress("/z/map", "travels.tell_map", "tells where presets of the bank lie along two dimensions",
               (Argument("d1", "whole", 0, 9_999, optional=True), Argument("d2", "whole", 0, 9_999, optional=True),
                Argument("count", "whole", 1, 1_000, optional=True)), ("/presets",), "/preset_space"),
    OscAddress("/z/dimension", "travels.analyse_dimension", "plays presets along a dimension and tells what is heard",
               (_DIMENSION, Argument("n", "whole", 2, 64)), ("/dimension_analysis",), "/dimension_analysis"),
    OscAddress("/model", "travels.set_model", "chooses the model whose latent is the audio space, see `patchflow list "
               "models`; none for the parameters themselves", (Argument("name", "text"),), ("/model_params",),
               "/set_model"),
    OscAddress("/model/params", "travels.tell_model", "tells the synth, its audio space and their sizes", (),
               ("/model_params",), "/model_params"),
    OscAddress("/path/clear", "travels.clear_path", "forgets the path", (), ("/path",), "/clear_path"),
    OscAddress("/path/add", "travels.add_to_path", "adds a place of the audio space to the path", _POINT, ("/path",),
               "/add_free_path"),
    OscAddress("/path/add_preset", "travels.add_preset_to_path", "adds a preset of the bank to the path", (_ID,),
               ("/path",), "/add_preset_path"),
    OscAddress("/path/play", "travels.play_path", "goes to a place of the path, 0 is its beginning, 1 its end",
               (_UNIT,), _MOVED, "/play_path", kind="value", asks="path_place"),
    OscAddress("/path/use_z", "travels.set_use_z", "whether paths lead through the audio space, 1, or straight through "
               "the parameters, 0", (_ON,), ("/state",), "/set_path_use_z", asks="use_z_now"),
    OscAddress("/path/beats", "midi.set_beats", "beats of MIDI clock that the path lasts, over and over; 0: the clock "
               "does not move it", (Argument("beats", low=0, high=1_024),), asks="beats_now"),
    OscAddress("/freeze", "patch.freeze", "1: what changes is kept back from OSC out and synth; 0: the newest goes out",
               (_ON,), ("/state",), "/set_freeze_mode", asks="frozen_now"),
    OscAddress("/pitch/shift", "patch.set_shift", "semitones that notes to the synth are moved",
               (Argument("semitones", "whole", -12, 12),), ("/target_pitch",), "/set_pitch_shift", asks="shift_now"),
    OscAddress("/pitch/octave", "patch.set_octave", "octaves that notes to the synth are moved",
               (Argument("octaves", "whole", -4, 4),), ("/target_pitch",), "/set_pitch_octave", asks="octave_now"),
    OscAddress("/mnote", "midi.note", "plays a note of the synth; velocity 0 releases it",
               (_NOTE, _VELOCITY, Argument("id", "whole", 0, 2**31 - 1, optional=True)), kind="event"),
    OscAddress("/mnote/rel", "midi.release", "releases a note",
               (_NOTE, Argument("velocity", low=0, high=127, optional=True),
                Argument("id", "whole", 0, 2**31 - 1, optional=True)), kind="event"),
    OscAddress("/allnotesoff", "midi.all_off", "releases all notes", kind="event"),
    OscAddress("/pbend", "midi.bend", "bends the pitch",
               (_CHANNEL, Argument("bend", low=-1, high=1, clip=True)), kind="value"),
    OscAddress("/cc", "midi.control", "the same as a control change on MIDI in, soft takeover and learning included",
               (_CHANNEL, Argument("number", "whole", 0, 127), Argument("value", low=0, high=127)),
               ("/param/...",), kind="value"),
    OscAddress("/learn", "midi.learn", "gives the next MIDI control that moves to a macro", (_MACRO,), ("/learned",)),
    OscAddress("/learn/param", "midi.learn_parameter", "gives the next MIDI control that moves to a parameter",
               (Argument("parameter", "text"),), ("/learned",)),
    OscAddress("/learn/clear", "midi.forget", "takes the MIDI controls of a macro away", (_MACRO,), ("/learned",)),
    OscAddress("/mpe/macro", "midi.set_timbre", "the macro that MPE timbre (control 74) turns; 0: none",
               (Argument("macro", "whole", 0, MACROS),), asks="timbre_now"),
    OscAddress("/sysex/send", "sysex.send_voice", "sends the preset to the DX7 as a voice, or all in hand as a bank",
               (Argument("what", "text", optional=True),), ("/sysex/sent",)),
    OscAddress("/sysex/request", "sysex.request", "asks the DX7 for a dump: voice or bank",
               (Argument("what", "text", optional=True),)),
)  # fmt: skip
"""Every address that is received."""

ANSWERS = (
    OscAnswer("/error", "text", "what went wrong, in one line"),
    OscAnswer("/print", "text", "what else is worth knowing, in one line"),
    OscAnswer("/from_server", "pong", "the answer to /ping"),
    OscAnswer("/terminated", "", "patchflow live ends"),
    OscAnswer(
        "/state", "name value ...", "synth, preset, place, in_hand, bank, model, path, use_z, frozen, shift, octave"
    ),
    OscAnswer("/params_nb", "count", "how many parameters the synth has"),
    OscAnswer("/params", "name value ...", "all parameters after a whole preset came, 0 to 1"),
    OscAnswer("/param/...", "value text", "a parameter that changed, 0 to 1, and its value in the synth's own unit"),
    OscAnswer("/param/macro/...", "value text", "a macro that changed, 0 to 1, and its word"),
    OscAnswer("/macro/word", "macro word low high", "what a macro turns, and what its ends are called"),
    OscAnswer("/patch", "name place in_hand", "the preset that was loaded, and where it is among those in hand"),
    OscAnswer("/patch/saved", "file", "the preset was written"),
    OscAnswer("/rendered", "file", "the sound was written"),
    OscAnswer(
        "/candidate", "place name distance_db closeness", "a preset that came in hand; of a match how near it is"
    ),
    OscAnswer("/match/progress", "stage share distance_db", "how far a match is"),
    OscAnswer("/model_params", "name value ...", "synth, parameters, space, dimensions"),
    OscAnswer("/presets", "id x y", "where a preset lies along two dimensions, one message each"),
    OscAnswer(
        "/dimension_analysis", "dimension step z name value ...", "what is measured of a preset along a dimension"
    ),
    OscAnswer(
        "/z_pos",
        "x0 v0 x1 v1 ...",
        "where the preset lies in the audio space without its macros: each dimension and its value",
    ),
    OscAnswer("/target_pitch", "note", "the MIDI note that the target, or middle C, is played on, moved by the shift"),
    OscAnswer("/path", "places", "how many places the path has"),
    OscAnswer("/learned", "control target", "the MIDI control that turns a macro or a parameter from now on; -1: none"),
    OscAnswer("/sysex/sent", "what bytes", "a dump is on its way"),
    OscAnswer("/imported", "added doubles", "a dump that came in is in the library, and its voices are in hand"),
)
"""Every address that is sent."""


@dataclass(frozen=True)
class AddressTable:
    """The addresses of one synth, with its parameters.

    Args:
        space: Its parameters.

    Example:
        >>> from patchflow.presets import dx7
        >>> table = AddressTable(dx7.SPACE)
        >>> table.find("/param/op1/output").first, table.parameter_paths["feedback"]
        (('op1.output',), '/param/voice/feedback')
    """

    space: ParamSpace
    parameter_paths: dict[str, str] = field(init=False)
    _by_path: dict[str, FoundAddress] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameter_paths", _parameter_paths(self.space))
        object.__setattr__(self, "_by_path", dict(self._all()))

    def find(self, path: str) -> FoundAddress:
        """Returns what an address means.

        Raises:
            UnknownName: If there is no such address.
        """
        found = self._by_path.get(path)
        if found is None:
            raise UnknownName("OSC address", path, self._by_path)
        return found

    def _all(self) -> Iterator[tuple[str, FoundAddress]]:
        for address in ADDRESSES:
            if "{macro}" in address.path:
                for number in range(1, MACROS + 1):
                    yield address.path.format(macro=number), FoundAddress(address, (number,))
            elif "{parameter}" in address.path:
                for name, path in self.parameter_paths.items():
                    yield path, FoundAddress(address, (name,))
            else:
                yield address.path, FoundAddress(address)
            if address.alias:
                yield address.alias, FoundAddress(address)


def _parameter_paths(space: ParamSpace) -> dict[str, str]:
    """The address of each parameter: its group and what its name says beyond that."""
    found: dict[str, str] = {}
    taken: set[str] = {f"/param/macro/{number}" for number in range(1, MACROS + 1)}
    for parameter in space.parameters:
        name = parameter.name.removeprefix(f"{parameter.group}.")
        parts = [part for part in (parameter.group, *name.split(".")) if part]
        path = "/param/" + "/".join(_FORBIDDEN.sub("_", part) for part in parts)
        while path in taken:  # names that differ in letters that an address cannot have
            path += "_"
        taken.add(path)
        found[parameter.name] = path
    return found


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
