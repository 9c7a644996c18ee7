"""Presets of Vital: `.vital` files."""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from ...errors import PresetError
from ...parsing import shown
from ...printable import one_line
from ..preset import Preset
from ..space import ParamSpace
from ..vital import (
    CORE,
    NEWEST,
    SPACES,
    VITA_VERSION,
    controls,
    document_of,
    feature_version,
    load_state,
    mend,
    pack_state,
    state_of,
    values_of,
)
from ._format import Mended, PresetFormat, ReadReport, Rejected, only_preset
from .json import in_utf8, parse_loose

__all__ = ["Vital"]

_OLDEST = "0.9"  # the last version of which Vital converts files
_PARTS = ("lfos", "modulations", "sample", "wavetables")
_ORDER = ("author", "comments", "macro1", "macro2", "macro3", "macro4", "preset_name", "preset_style", "settings")
_LONGEST = 1_000  # letters of a name, as in all presets
_MADE_BY_VITA = re.compile(rb'"synth_version"\s*:\s*"%s"' % re.escape(VITA_VERSION.encode()))
# What Vital 1.5 has and the vita package does not know, which plays without it.
_NEWER = re.compile(r"random_values|custom_warps|osc_\d_spectral_morph_phase")


class Vital(PresetFormat):
    """One preset of Vital, as it saves and opens it.

    A preset has the values of the core (see `presets.vital`) and all else of the file in `state`: wavetables, sample,
    LFO shapes, the controls and modulations beyond the core, names of macros, comments, and settings of unknown
    versions. What Vital itself puts up with, such as a modulation that does not exist or a control beyond its range,
    is mended and said. Files of newer versions are read with a note and written for Vital 1.5; those of Vital before
    0.9, which converts them when it opens them, are refused.

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
        data = in_utf8(data)
        return data.lstrip()[:1] == b"{" and b'"synth_version"' in data and b'"settings"' in data

    def read(self, data: bytes) -> ReadReport:
        """Reads the preset; see `PresetFormat`."""
        # The vita package writes a version of its own, in two places of a file (the synth and its wavetables).
        # Vital refuses such files as made by a newer Vital, so it is replaced in all the text, here and in `write`.
        loose = parse_loose(data.replace(VITA_VERSION.encode(), NEWEST.encode()))
        document = loose.content
        notes = []
        if _MADE_BY_VITA.search(data):
            notes.append(f"version {VITA_VERSION} of vita is taken for {NEWEST}")
        if not isinstance(document, dict) or not isinstance(document.get("settings"), dict):
            raise PresetError(f"not a Vital preset: {_what_it_is(document)}")
        notes += _check_version(document.get("synth_version"))
        name = _label(document, "preset_name", notes)
        author = _label(document, "author", notes)
        style = _label(document, "preset_style", notes)
        try:
            faults = [*loose.mended, *mend(document)]
            values = values_of(document, CORE)
            state = pack_state(state_of(document, CORE))
        except PresetError as error:
            return ReadReport((), (Rejected(1, str(error), name),), tuple(notes))
        notes += _strange(document["settings"])
        preset = Preset(self.synth, values, name, style, author, state=state)
        return ReadReport((preset,), notes=tuple(notes), mended=tuple(Mended(1, fault, name) for fault in faults))

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


def _check_version(version: Any) -> list[str]:
    """Refuses what is too old; returns a note if it is newer than what is known."""
    found = feature_version(version)
    if found is None:
        raise PresetError(f"not a Vital preset: synth_version={shown(version)} is no version")
    if found < (feature_version(_OLDEST) or found):
        raise PresetError(f"made by Vital {version}, older than {_OLDEST}. Open and save it in a newer Vital.")
    if found > (feature_version(NEWEST) or found):
        return [f"made by Vital {version.strip()}, newer than {NEWEST}: what is new in it may be missing"]
    return []


def _strange(settings: dict[str, Any]) -> list[str]:
    known = {*controls(), *_PARTS}
    strange = [name for name in settings if name not in known and not _NEWER.fullmatch(name)]
    if not strange:
        return []
    return [f"keeps {len(strange)} settings that are not known here, such as {shown(strange[0])}"]


def _what_it_is(document: Any) -> str:
    """Names the other files of Vital."""
    if isinstance(document, dict):
        if {"points", "powers"} <= set(document):
            return "it is an LFO shape (.vitallfo)"
        if "groups" in document:
            return "it is a wavetable (.vitaltable)"
        if "synth_version" in document and "settings" not in document:
            return 'it has no "settings", as a skin (.vitalskin) or a file that is not whole'
    return 'it has no "settings"'


def _label(document: dict[str, Any], field: str, notes: list[str]) -> str:
    """The text of a field, changed so that any file can hold it; what was changed goes to `notes`."""
    text = document.get(field, "")
    if not isinstance(text, str):
        notes.append(f"{field}={shown(text)}: not a text, left out")
        return ""
    fit = one_line(text)[:_LONGEST]
    if fit != text:
        notes.append(f"{field}={shown(text)}: shortened, or freed of control characters")
    return fit
