"""Presets of Vital: `.vital` files."""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from ...errors import PresetError
from ..preset import Preset
from ..space import ParamSpace
from ..vital import (
    CORE,
    NEWEST,
    SLOTS,
    SPACES,
    VITA_VERSION,
    controls,
    document_of,
    load_state,
    pack_state,
    state_of,
    values_of,
)
from ._format import PresetFormat, ReadReport, Rejected, only_preset
from ._json_text import parse_json, shown

__all__ = ["Vital"]

_OLDEST = "1.0.0"
_NEEDED = {"lfos": (list, 8), "modulations": (list, SLOTS), "sample": (dict, 99), "wavetables": (list, 3)}
_ORDER = ("author", "comments", "macro1", "macro2", "macro3", "macro4", "preset_name", "preset_style", "settings")
_LONGEST = 1_000  # letters of a name, as in all presets
_MADE_BY_VITA = re.compile(rb'"synth_version"\s*:\s*"%s"' % re.escape(VITA_VERSION.encode()))
# What Vital 1.5 has and the vita package does not know, which plays without it.
_NEWER = re.compile(r"random_values|custom_warps|osc_\d_spectral_morph_phase")


class Vital(PresetFormat):
    """One preset of Vital, as it saves and opens it.

    A preset has the values of the core (see `presets.vital`) and all else of the file in `state`: wavetables, sample,
    LFO shapes, the controls and modulations beyond the core, names of macros, comments, and settings of unknown
    versions. Nothing is clipped into range: a file with a control that is out of its range, or with a modulation that
    does not exist, is rejected. Files of Vital before 1.0, which converts them when it opens them, and of
    versions after 1.5.5 are refused.

    Example:
        >>> preset = Preset("vital", CORE.decode(CORE.default()), name="Saw")
        >>> Vital().read(Vital().write([preset])).presets[0].name
        'Saw'
    """

    synth: ClassVar[str] = "vital"
    extensions: ClassVar[tuple[str, ...]] = (".vital",)
    single: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is an object with Vital's keys; see `PresetFormat`."""
        start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return start == b"{" and b'"synth_version"' in data and b'"settings"' in data

    def read(self, data: bytes) -> ReadReport:
        """Reads the preset; see `PresetFormat`."""
        # The vita package writes a version of its own, in two places of a file (the synth and its wavetables).
        # Vital refuses such files as made by a newer Vital, so it is replaced in all the text, here and in `write`.
        document = parse_json(data.replace(VITA_VERSION.encode(), NEWEST.encode()))
        notes = []
        if _MADE_BY_VITA.search(data):
            notes.append(f"version {VITA_VERSION} of vita is taken for {NEWEST}")
        if not isinstance(document, dict) or not isinstance(document.get("settings"), dict):
            raise PresetError('not a Vital preset: it has no "settings"')
        _check_version(document.get("synth_version"))
        name = _label(document, "preset_name", notes)
        author = _label(document, "author", notes)
        style = _label(document, "preset_style", notes)
        try:
            notes += _check_settings(document["settings"])
            values = values_of(document, CORE)
            state = pack_state(state_of(document, CORE))
        except PresetError as error:
            return ReadReport((), (Rejected(1, str(error), name),), tuple(notes))
        preset = Preset(self.synth, values, name, style, author, state=state)
        return ReadReport((preset,), notes=tuple(notes))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a file of one preset; see `PresetFormat`."""
        preset = only_preset(presets, self.extensions[0])
        _space(preset).numbers(preset.values)
        labels = {"author": preset.author, "preset_name": preset.name, "preset_style": preset.category}
        document = document_of(preset.values, load_state(preset.state))
        document |= {**labels, "synth_version": NEWEST}
        # keys in Vital's own order, then all that it does not know
        ordered = {key: document[key] for key in (*_ORDER, *document) if key in document}
        return json.dumps(ordered, separators=(",", ":")).replace(VITA_VERSION, NEWEST).encode()


def _space(preset: Preset) -> ParamSpace:
    if preset.synth not in SPACES:
        raise PresetError(
            f"{preset.name or 'preset'}: is for {preset.synth!r}, a .vital file holds one of 'vital' or 'vital_full'"
        )
    return SPACES[preset.synth]


def _check_version(version: Any) -> None:
    if not isinstance(version, str) or not re.fullmatch(r"\d{1,6}(\.\d{1,6}){0,3}", version):
        raise PresetError(f"not a Vital preset: synth_version={shown(version)} is no version")
    if _numbers(version) > _numbers(NEWEST):
        raise PresetError(f"made by Vital {version}, newer than {NEWEST}, which is the newest this patchflow knows")
    if _numbers(version) < _numbers(_OLDEST):
        raise PresetError(f"made by Vital {version}, older than {_OLDEST}. Open and save it in a newer Vital.")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _check_settings(settings: dict[str, Any]) -> list[str]:
    """Checks the types of all settings; returns notes for the user."""
    for name, (kind, most) in _NEEDED.items():
        found: Any = settings.get(name)
        if not isinstance(found, kind):
            wrong = "missing from the settings" if found is None else f"{shown(found)} is no {kind.__name__}"
            raise PresetError(f"{name}: {wrong}")
        if len(found) > most or (kind is list and not all(isinstance(item, dict) for item in found)):
            raise PresetError(f"{name}={shown(found)}: not {most} objects or fewer")
    for name, value in settings.items():
        if name in controls() and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise PresetError(f"{name}={shown(value)}: not a number")
    for number, slot in enumerate(settings["modulations"], 1):
        for end in ("source", "destination"):
            if not isinstance(slot.get(end, ""), str):
                raise PresetError(f"modulation {number}: {end}={shown(slot[end])}: not a text")
    known = (*controls(), *_NEEDED)
    strange = [name for name in settings if name not in known and not _NEWER.fullmatch(name)]
    if not strange:
        return []
    return [f"keeps {len(strange)} settings that are not known here, such as {shown(strange[0])}"]


def _label(document: dict[str, Any], field: str, notes: list[str]) -> str:
    """The text of a field, changed so that any file can hold it; what was changed goes to `notes`."""
    text = document.get(field, "")
    if not isinstance(text, str):
        notes.append(f"{field}={shown(text)}: not a text, left out")
        return ""
    fit = "".join(c if c.isprintable() else " " for c in text)[:_LONGEST]
    if fit != text:
        notes.append(f"{field}={shown(text)}: shortened, or freed of control characters")
    return fit
