"""Plug-ins of any make, VST2, VST3, LV2 and AU, played by the dawdreamer package."""

import ctypes
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import dawdreamer  # pyright: ignore[reportMissingImports]
import numpy as np

from ..errors import EngineError
from ._host import Answer, Host

__all__ = ["DawDreamer", "class_id", "explain", "is_uri"]

_BLOCK = 512  # samples
_VST3 = b"<VST3PluginState>"
_PADDING = bytes(64)  # amsynth reads its chunk as a text that ends with a zero, which it does not store


@dataclass(frozen=True)
class Instrument:
    """A plug-in that is loaded.

    Args:
        engine: Renders.
        plugin: The plug-in.
        rate: In Hz.
        latency: Samples by which its sound is late.
    """

    engine: Any
    plugin: Any
    rate: int
    latency: int


class DawDreamer(Host):
    """Loads a plug-in and asks it.

    The questions are `describe`, `render`, `state` and `values`. Before any of them is answered the instrument is
    given what comes along: as data a preset in the plug-in's own format, then `values`, pairs of a
    parameter's index and its value in [0, 1].

    Args:
        path: A plug-in's file or bundle, or the address of an LV2 plug-in.
        names: What parameters must be called, by index; any if there are none.

    References:
        https://github.com/DBraun/DawDreamer
    """

    def __init__(self, path: str, names: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.names = names or {}

    def load(self, rate: int) -> Instrument:
        """Loads the plug-in."""
        engine = dawdreamer.RenderEngine(rate, _BLOCK)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            plugin = engine.make_plugin_processor("plugin", self.path)
        except (RuntimeError, ValueError) as error:
            raise EngineError(explain(self.path)) from error
        engine.load_graph([(plugin, [])])
        self._check(plugin)
        return Instrument(engine, plugin, rate, int(plugin.get_latency_samples()))

    def answer(self, instrument: Instrument, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers `describe`, `render`, `state` or `values`."""
        if data:
            _load_state(instrument.plugin, data)
        for index, value in arguments.get("values", ()):
            instrument.plugin.set_parameter(index, value)
        match what:
            case "describe":
                return Answer(_describe(instrument, self.path, arguments["grid"]))
            case "render":
                return _render(instrument, arguments)
            case "state":
                _settle(instrument)
                return _state(instrument.plugin, self.path)
            case "values":
                return Answer({"values": _values(instrument.plugin), "texts": _texts(instrument.plugin)})
        raise EngineError(f"{what!r}: a plug-in does not know this question")

    def _check(self, plugin: Any) -> None:
        count = plugin.get_plugin_parameter_size()
        for index, name in self.names.items():
            if not int(index) < count:
                raise EngineError(f"has no parameter {index} ({name}), only {count}: describe it again")
            if plugin.get_parameter_name(int(index)) != name:
                found = plugin.get_parameter_name(int(index))
                raise EngineError(f"parameter {index} is {found!r}, not {name!r}: describe it again")


def _describe(instrument: Instrument, path: str, grid: Sequence[float]) -> dict[str, Any]:
    plugin = instrument.plugin
    before = _values(plugin)
    labels = [str(about.get("label", "")) for about in plugin.get_parameters_description()]
    return {
        "name": path if is_uri(path) else Path(path).stem,
        "inputs": plugin.get_num_input_channels(),
        "outputs": plugin.get_num_output_channels(),
        "latency": instrument.latency,
        "parameters": [
            {
                "index": index,
                "name": plugin.get_parameter_name(index),
                "label": labels[index] if index < len(labels) else "",
                "value": value,
                "text": plugin.get_parameter_text(index),
                "runs": _runs(plugin, index, value, grid),
            }
            for index, value in enumerate(before)
        ],
    }


def _runs(plugin: Any, index: int, before: float, grid: Sequence[float]) -> list[list[Any]]:
    """First place of the grid, last place and text of all that read the same."""
    texts = []
    for value in grid:
        plugin.set_parameter(index, value)
        texts.append(plugin.get_parameter_text(index))
    plugin.set_parameter(index, before)
    runs = [(text, [place for place, _ in places]) for text, places in groupby(enumerate(texts), lambda item: item[1])]
    return [[places[0], places[-1], text] for text, places in runs]


def _render(instrument: Instrument, note: Mapping[str, Any]) -> Answer:
    """Plays one note, or none if its pitch is None.

    The samples are float32, shape `(C, T)`, or `(1, T)` if asked for `mono`.
    """
    engine, plugin, rate = instrument.engine, instrument.plugin, instrument.rate
    plugin.clear_midi()
    if note["pitch"] is not None:
        plugin.add_midi_note(note["pitch"], note["velocity"], 0.0, note["hold"])
    late = instrument.latency
    engine.render((note["samples"] + late + 1) / rate)
    sound = np.asarray(engine.get_audio(), np.float32)[:, late : late + note["samples"]]
    if sound.shape[1] < note["samples"]:
        raise EngineError(f"gave {sound.shape[1]:,} samples, not {note['samples']:,}")
    if not math.isfinite(sound.sum(dtype=np.float64)):
        raise EngineError("gave samples that are not numbers")
    if note.get("mono") and len(sound):  # half as much to send
        sound = _mixed(sound)
    return Answer({"channels": sound.shape[0]}, np.ascontiguousarray(sound).reshape(-1).view(np.uint8).data)


def _mixed(sound: np.ndarray) -> np.ndarray:
    """The mean over channels, in the first of them: new memory costs a copy page faults."""
    for channel in sound[1:]:
        sound[0] += channel
    sound[0] /= len(sound)
    return sound[:1]


def _values(plugin: Any) -> list[float]:
    return [float(plugin.get_parameter(index)) for index in range(plugin.get_plugin_parameter_size())]


def _texts(plugin: Any) -> list[str]:
    return [plugin.get_parameter_text(index) for index in range(plugin.get_plugin_parameter_size())]


def _settle(instrument: Instrument) -> None:
    """Lets the plug-in play a moment of nothing: a VST3 hears of new values only while it plays."""
    instrument.plugin.clear_midi()
    instrument.engine.render(_BLOCK / instrument.rate)


def _state(plugin: Any, path: str) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "state")
        plugin.save_state(str(file))
        state = file.read_bytes()
    return Answer({"class": class_id(path) if _VST3 in state else ""}, state)


def _load_state(plugin: Any, data: bytes) -> None:
    if data[:4] == b"VST3":
        ending, load = ".vstpreset", plugin.load_vst3_preset
    else:
        ending, load, data = ".fxp", plugin.load_preset, data + _PADDING
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"preset{ending}")
        file.write_bytes(data)
        try:
            taken = load(str(file))
        except RuntimeError as error:
            raise EngineError(f"does not take this preset: {error}") from error
    if taken is False:
        raise EngineError("does not take this preset")


_ELF = b"\x7fELF"
_MACHINES = {3: "32-bit x86", 40: "32-bit ARM", 62: "x86_64", 183: "ARM64", 243: "RISC-V"}
_ENTRIES = (b"VSTPluginMain", b"GetPluginFactory", b"lv2_descriptor")


def is_uri(plugin: str) -> bool:
    """Returns whether this names an LV2 plug-in, which is found by its address.

    Example:
        >>> is_uri("http://zynaddsubfx.sourceforge.net"), is_uri("/usr/lib/vst/amsynth_vst.so")
        (True, False)
    """
    return "://" in plugin or plugin.startswith("urn:")


def explain(plugin: str) -> str:
    """Returns why a plug-in could not be loaded, in words, as far as its file tells.

    Args:
        plugin: Its path or LV2 address.

    Example:
        >>> explain("/nowhere/at_all.so")
        'there is no such file'
    """
    if is_uri(plugin):
        return "no LV2 plug-in with this address is installed"
    path = Path(plugin)
    if not path.exists():
        return "there is no such file"
    if path.is_dir():
        return "this folder is no plug-in that can be loaded here"
    head = path.read_bytes()
    if sys.platform == "linux":
        if head[:4] != _ELF:
            return "not a plug-in: not a program library of this system"
        mine, its = _machine(Path(sys.executable).read_bytes()[:20]), _machine(head[:20])
        if mine != its:
            return f"made for {its}, and this computer is {mine}"
    if not any(entry in head for entry in _ENTRIES):
        return "not a plug-in: it has no entry for hosts, such as VSTPluginMain"
    try:
        ctypes.CDLL(str(path))
    except OSError as error:  # the system's words name what is missing
        return str(error).removeprefix(f"{path}: ")
    return "the plug-in refused to start"


def _machine(head: bytes) -> str:
    """What an ELF file runs on."""
    order = "big" if head[5:6] == b"\x02" else "little"
    number = int.from_bytes(head[18:20], order)
    return _MACHINES.get(number, f"machine {number}")


_COUNT, _INFO = 4, 5  # functions of a plug-in's factory
_SOUND = b"Audio Module Class"
_FOLDERS = ("*-linux/*.so", "MacOS/*", "*-win/*.vst3")


def class_id(plugin: str) -> str:
    """Returns the id of the class that makes sound, as the plug-in's factory tells it.

    Args:
        plugin: The plug-in's file or bundle, which is loaded already.

    Raises:
        EngineError: If there is none.
    """
    library = ctypes.CDLL(str(_library(Path(plugin))))
    library.GetPluginFactory.restype = ctypes.c_void_p
    factory = library.GetPluginFactory()
    calls = ctypes.cast(ctypes.cast(factory, ctypes.POINTER(ctypes.c_void_p))[0], ctypes.POINTER(ctypes.c_void_p))
    count = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(calls[_COUNT])
    info = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p)(calls[_INFO])
    for index in range(count(factory)):
        about = ctypes.create_string_buffer(256)
        if info(factory, index, about) == 0 and about.raw[20:52].split(b"\0")[0] == _SOUND:
            return _text(about.raw[:16])
    raise EngineError("has no class that makes sound")


def _text(raw: bytes) -> str:
    if sys.platform == "win32":  # there the first three numbers are little-endian
        raw = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return raw.hex().upper()


def _library(plugin: Path) -> Path:
    if plugin.is_file():
        return plugin
    found = (file for pattern in _FOLDERS for file in sorted(plugin.glob(f"Contents/{pattern}")))
    library = next(found, None)
    if library is None:
        raise EngineError(f"{plugin}: this bundle has no library")
    return library
