"""Presets of any LV2 plug-in: `.ttl` files, and the folders in which hosts find them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from ...errors import PresetError
from ...lv2 import LV2, RDFS, Lv2Preset, applies_to, read_lv2_presets
from ...printable import one_line
from ..preset import Preset
from ._format import PresetFormat, ReadReport, Rejected, only_preset

__all__ = ["Ttl"]

_WORDS = b"lv2plug.in/ns/ext/presets#"
_STARTS = b"@<#[_:PpBb"
_MANIFEST = "manifest.ttl"
_BESIDE = "manifest-1.ttl"  # a preset that would have its name


class Ttl(PresetFormat):
    """Presets of an LV2 plug-in, as Ardour, Carla, jalv and other hosts load and save them.

    A file that is read may hold any number, of one or several plug-ins; one that is written holds one. Hosts find it
    in a folder `NAME.lv2` with a manifest, in one of those where plug-ins are, such as `~/.lv2`.

    Values are those of ports, in the plug-in's own units; only the plug-in knows which parameters these are, see
    `Engine.unpack`.

    References:
        http://lv2plug.in/ns/ext/presets

    Example:
        >>> preset = Preset("", {}, name="Pluck", state=Lv2Preset("urn:mine", {"cutoff": 0.5}, "Pluck").pack())
        >>> Ttl().read(Ttl().write([preset])).presets == (preset,)
        True
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".ttl",)
    opaque: ClassVar[bool] = True
    single: ClassVar[bool] = True
    folder: ClassVar[str] = ".lv2"

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is a Turtle text with words for presets; see `PresetFormat`."""
        start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return bool(start) and start in _STARTS and _WORDS in data

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets; see `PresetFormat`."""
        try:
            found = read_lv2_presets(data)
        except ValueError as error:
            raise PresetError(f"not an LV2 preset: {error}") from error
        if not found:
            raise PresetError("not an LV2 preset: it describes none")
        if all(each.elsewhere for each in found):
            raise PresetError("a list of LV2 presets, which are in the files that it names")
        presets: list[Preset] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        for place, each in enumerate(found, 1):
            name = one_line(each.name)
            if not each.plugin:
                rejected.append(Rejected(place, "does not say which plug-in it is for (lv2:appliesTo)", name))
                continue
            try:
                state = replace(each, name=name).pack()
            except ValueError as error:
                rejected.append(Rejected(place, str(error), name))
                continue
            presets.append(Preset("", {}, name=name, state=state))
            places.append(place)
        return ReadReport(tuple(presets), tuple(rejected), places=tuple(places))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a file of one preset, of which `state` is one of an LV2 plug-in; see `PresetFormat`."""
        preset = only_preset(presets, self.extensions[0])
        found = _of_state(preset)
        return replace(found, name=preset.name).pack()

    def folder_files(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Returns files of presets and, last, the manifest that names them; see `PresetFormat`."""
        files = {_BESIDE if name == _MANIFEST else name: data for name, data in files.items()}
        lines = [f"@prefix lv2: <{LV2}> .", f"@prefix pset: <http://{_WORDS.decode()}> .", f"@prefix rdfs: <{RDFS}> ."]
        for name, data in files.items():
            file = quote(name)
            (preset,) = read_lv2_presets(data)
            lines += ["", f"<{file}>", "\ta pset:Preset ;", f"\tlv2:appliesTo <{preset.plugin}> ;"]
            # the escapes of JSON are Turtle's as well
            lines += [f"\trdfs:label {json.dumps(preset.name, ensure_ascii=False)} ;", f"\trdfs:seeAlso <{file}> ."]
        return {**files, _MANIFEST: "\n".join([*lines, ""]).encode()}

    def wrote(self, name: str, data: bytes) -> bool:
        """Returns whether a file of a folder was written here; see `PresetFormat`."""
        if name == _MANIFEST:
            return _WORDS in data and b"Plugin" not in data
        return bool(applies_to(data))


def _of_state(preset: Preset) -> Lv2Preset:
    name = preset.name or "preset"
    if not applies_to(preset.state):
        raise PresetError(f"{name}: is not of an LV2 plug-in, and .ttl is for those only")
    try:
        (found,) = read_lv2_presets(preset.state)
    except ValueError as error:
        raise PresetError(f"{name}: its state is no LV2 preset: {error}") from error
    return found
