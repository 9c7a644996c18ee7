"""The engine of a plug-in, made from its description."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ...errors import MissingDependency, PatchflowError, PresetError, RenderError
from ...hosts import HostProcess
from ...lv2 import Lv2Preset, read_lv2_presets
from ...presets import Preset, check
from ...presets.files import owner
from ...presets.vst2 import program_of
from ...presets.vst3 import class_id, from_juce, parse_vstpreset
from .._engine import Engine, Note
from .._tuners import tuned
from .description import Description, Native

__all__ = ["Plugin", "engine_of", "need_dawdreamer", "plugin_state"]


_TOGETHER = 64  # presets that one plug-in loads one after the other


class Plugin(Engine):
    """A plug-in in a process of its own. Its subclasses are made by `engine_of`, one for each description."""

    description: ClassVar[Description]
    has_state: ClassVar[bool] = True

    def __init__(self) -> None:
        about = self.description
        need_dawdreamer(about.name)
        settings = {"path": about.plugin, "names": about.names}
        self._host = HostProcess("dawdreamer", settings, name=about.name, fresh=about.fresh)
        self._state = b""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`.

        Raises:
            EngineError: If the plug-in cannot be loaded, or is not the one that was described.
            RenderError: If it crashes, hangs or gives no sound that can be used on this preset.
        """
        # On a state, fixed controls stay as that has them; without one they are at their defaults.
        natives = self.description.natives(point, fixed=not self._state)
        return self._play(natives, self._state, note, rate)

    def play(self, state: bytes, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays a preset of the plug-in's own format as it is, without regard to the description.

        Args:
            state: The content of its file, or what `pack` made.
            note: What to play.
            rate: Sample rate, in Hz.

        Returns:
            Mono float32 samples, shape `(T,)`, as `render`.
        """
        return self._play([], state, note, rate)

    def build_on(self, state: bytes) -> None:
        """Makes later renders start from a preset of the plug-in's own format, also what the description fixes."""
        self._check_owner(state, "preset")
        self._state = state

    def limit(self, until: float) -> None:
        """See `Engine.limit`."""
        self._host.until = until

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Moves what the description says transposes; see `Engine.transposed`."""
        return tuned(points, cents, self.description.tuners, self.space, free)

    def unpack(self, preset: Preset) -> Preset:
        """Has the plug-in load the preset and report its values; see `Engine.unpack`."""
        about = self.description
        if about.native == "json":
            raise PresetError(f"{preset.name or 'preset'}: presets of {about.name} itself cannot be read, only .json")
        self._check_owner(preset.state, preset.name or "preset")
        natives, texts = self._read_natives(preset)
        return replace(preset, synth=about.name, values=about.preset(natives, texts))

    def unpack_all(self, presets: Sequence[Preset]) -> list[Preset | PatchflowError]:
        """See `Engine.unpack_all`."""
        found: list[Preset | PatchflowError] = []
        for first in range(0, len(presets), _TOGETHER):
            batch = presets[first : first + _TOGETHER]
            together = self._unpack_together(batch) if len(batch) > 2 else None
            found += super().unpack_all(batch) if together is None else together
        return found

    def _unpack_together(self, presets: Sequence[Preset]) -> list[Preset | PatchflowError] | None:
        """Has one plug-in load presets one after the other; None if that is not what a fresh one makes of each."""
        if self.description.native == "json" or any(class_id(preset.state) for preset in presets):
            return None
        own = [preset for preset in presets if self._owns(preset)]  # what is another's may hang the plug-in
        if not own:
            return None
        sizes = [len(preset.state) for preset in own]
        data = b"".join(preset.state for preset in own)
        try:
            each = self._host.ask("unpack", {"sizes": sizes}, data).facts["each"]
        except RenderError:  # one of them is fatal
            return None
        known = {id(preset): self._with_facts(preset, facts) for preset, facts in zip(own, each, strict=True)}
        found = [known[id(preset)] if id(preset) in known else self._unpacked(preset) for preset in presets]
        # If anything stayed of the presets before, the last one shows it.
        last = self._unpacked(presets[-1])
        return found if str(found[-1]) == str(last) else None

    def _owns(self, preset: Preset) -> bool:
        try:
            self._check_owner(preset.state, preset.name or "preset")
        except PresetError:
            return False
        return True

    def _with_facts(self, preset: Preset, facts: Mapping[str, Any]) -> Preset | PatchflowError:
        about = self.description
        try:
            if "error" in facts:
                return RenderError(f"{about.name}: {facts['error']}")
            values = about.preset(dict(enumerate(facts["values"])), dict(enumerate(facts["texts"])))
        except PresetError as error:
            return error
        return replace(preset, synth=about.name, values=values)

    def pack(self, preset: Preset) -> Preset:
        """Has the plug-in save the preset and load it again; see `Engine.pack`.

        A plug-in may save less than 24 bits of a number: what is read back is what its file will sound like.
        """
        check(preset, self.space)
        natives = self.description.natives(self.space.encode(preset.values), fixed=not preset.state)
        state = plugin_state(self._host, natives, preset.state)
        if class_id(state):
            # A VST3 does not report what a loaded preset holds, so the file carries the values, see `VstPreset`.
            state = replace(parse_vstpreset(state), name=preset.name, values=tuple(sorted(natives))).pack()
        return self.unpack(replace(preset, state=self._first_program(state, preset.name)))

    def texts(self, preset: Preset) -> Mapping[str, str]:
        """See `Engine.texts`: of steps the texts of the description, which the user may edit; else the plug-in's."""
        check(preset, self.space)
        natives = self.description.natives(self.space.encode(preset.values))
        shown = self._host.ask("values", {"values": natives}).facts["texts"]
        found: dict[str, str] = {}
        for control in self.description.searched:
            value = preset.values[control.name]
            text = control.option(value) or " ".join(str(shown[control.index]).split())
            if text and text != str(value):
                found[control.name] = text
        return found

    def _read_natives(self, preset: Preset) -> tuple[Mapping[int, float], Mapping[int, str]]:
        """The values of all parameters, and the texts the plug-in shows for them, none of a VST3."""
        if class_id(preset.state):
            values = dict(parse_vstpreset(preset.state).values)
            if not {control.index for control in self.description.searched} <= set(values):
                raise PresetError(
                    f"{preset.name or 'preset'}: a VST3 does not report the values of a preset; only those that "
                    "patchflow wrote can be read"
                )
            return values, {}
        facts = self._host.ask("values", data=preset.state).facts
        return dict(enumerate(facts["values"])), dict(enumerate(facts["texts"]))

    def _check_owner(self, state: bytes, name: str) -> None:
        """Refuses a preset of another plug-in, if both say whose they are."""
        about = self.description
        whose = owner(state)
        if about.id and whose and whose != about.id:
            raise PresetError(f"{name}: is for the plug-in {whose!r}, and {about.name} is {about.id!r}")

    def _first_program(self, state: bytes, name: str) -> bytes:
        """One preset, where the plug-in saves a bank of which it plays the first."""
        if self.native == "ttl":
            return replace(_lv2_preset(state), name=name).pack()
        if self.native != "fxp":
            return state
        program = program_of(state, name)
        if not program.plain:
            # its count was that of the bank's programs, and in a program it is that of parameters
            program = replace(program, count=len(self.description.controls))
        return program.pack()

    def _play(self, natives: Sequence[Native], state: bytes, note: Note, rate: int) -> np.ndarray:
        asked = {
            "pitch": note.pitch,
            "velocity": note.velocity,
            "hold": note.hold,
            "samples": note.samples(rate),
            "mono": True,
            "values": natives,
        }
        answer = self._host.ask("render", asked, state, rate=rate)
        return np.frombuffer(bytearray(answer.data), np.float32)


def engine_of(description: Description) -> type[Engine]:
    """Returns the engine of a described plug-in.

    Example:
        >>> from patchflow.engines._plugin.description import Control
        >>> made = engine_of(Description("mine", "mine.so", (Control(0, "Cut", "knob", 0.5),), native="fxp"))
        >>> made.space.names, made.native
        (('Cut',), 'fxp')
    """
    # A class, not an object: `engines` gives out classes, and a renderer makes an engine of one in each thread.
    about = {
        "__doc__": f"The plug-in {description.plugin}.",
        "__module__": __name__,
        "description": description,
        "space": description.space,
        "native": description.native,
        "tuning": description.tuning,
        "tuning_needs": description.tuning_needs,
    }
    return type(description.name, (Plugin,), about)


def need_dawdreamer(name: str) -> None:
    """Checks that plug-ins can be loaded at all.

    Raises:
        MissingDependency: If the package that loads them is not installed.
    """
    if importlib.util.find_spec("dawdreamer") is None:
        raise MissingDependency(f"{name} needs the package 'dawdreamer': pip install 'patchflow[plugins]'")


def plugin_state(host: HostProcess, values: Sequence[Native], state: bytes = b"") -> bytes:
    """Returns the state that a plug-in saves.

    Args:
        host: Where it runs.
        values: Indices and values to set first.
        state: A preset in its own format, to load before them.

    Returns:
        The content of an `.fxb`, `.vstpreset` or `.ttl` file; of other plug-ins, what only they can read.

    Raises:
        RenderError: If the plug-in crashes or hangs on it.
    """
    answer = host.ask("state", {"values": values}, state)
    plugin = answer.facts["class"]
    data = bytes(answer.data)
    if plugin:
        return from_juce(data, plugin).pack()
    return replace(_lv2_preset(data), name="").pack() if answer.facts["lv2"] else data


def _lv2_preset(state: bytes) -> Lv2Preset:
    try:
        (preset,) = read_lv2_presets(state)
    except ValueError as error:
        raise PresetError(f"not one LV2 preset: {error}") from error
    return preset
