"""Plug-ins of any kind (VST2, VST3, LV2, AU), played by the dawdreamer package."""

import ctypes
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dawdreamer  # pyright: ignore[reportMissingImports]
import numpy as np

from ..errors import EngineError
from ..lv2 import Lv2Preset, read_lv2_presets
from ._host import Answer, Host
from ._installed import LV2_FOLDERS, Lv2Plugin, Port, explain, find_lv2, is_uri, keep_instances

__all__ = ["DawDreamer", "vst3_class_id"]

_BLOCK = 512  # samples
_VST3 = b"<VST3PluginState>"
_PADDING = bytes(64)  # amsynth reads its chunk as a text that ends with a zero, which it does not store
_THREADS = Path("/proc/self/task")
_LOOK = 0.002  # seconds between two looks at a plug-in's own threads
_LOOKS = 3  # in a row at which they have to be idle
_LONGEST_WORK = 10.0  # seconds that they may take


@dataclass(frozen=True)
class Instrument:
    """A plug-in that is loaded.

    Args:
        engine: Renders.
        plugin: The plug-in.
        rate: In Hz.
        latency: Samples by which its sound is late.
        threads: Those that it has started.
        ports: Of an LV2 plug-in, the ports that are parameters, by the index of the parameter.
    """

    engine: Any
    plugin: Any
    rate: int
    latency: int
    threads: frozenset[str] = frozenset()
    ports: Mapping[int, Port] = field(default_factory=dict)


class DawDreamer(Host):
    """Loads a plug-in and answers questions about it.

    The questions are `describe`, `render`, `state` and `values`. Before any of them is answered the instrument
    gets, if the question has them: as data a preset in the plug-in's own format, then `values`, pairs of a
    parameter's index and its value in [0, 1]. `unpack` is `values` of many presets, each of one of `sizes` bytes of
    the data; what one of them does not set is as in a fresh instrument, and not as the one before left it.

    Args:
        path: A plug-in's file or bundle, or the address of an LV2 plug-in.
        names: The names that parameters must have, by index; other parameters may have any.

    References:
        https://github.com/DBraun/DawDreamer
    """

    def __init__(self, path: str, names: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.names = names or {}
        # once, before the process is copied: reading what is installed takes longer than loading
        self._described = find_lv2(path) if is_uri(path) else None

    def load(self, rate: int) -> Instrument:
        """Loads the plug-in."""
        described = self._described
        if described and described.binary:
            keep_instances(described.binary, self.path)
        others = _threads()
        engine = dawdreamer.RenderEngine(rate, _BLOCK)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            with _made_known(described):
                plugin = engine.make_plugin_processor("plugin", self.path)
        except (RuntimeError, ValueError) as error:
            raise EngineError(explain(self.path)) from error
        engine.load_graph([(plugin, [])])
        self._check(plugin)
        ports = _parameters(plugin, described.ports) if described else {}
        return Instrument(engine, plugin, rate, int(plugin.get_latency_samples()), _threads() - others, ports)

    def answer(self, instrument: Instrument, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers `describe`, `render`, `state`, `values` or `unpack`."""
        if what == "unpack":
            return Answer({"each": _unpack(instrument, arguments["sizes"], data)})
        if data:
            _load_state(instrument, data)
        for index, value in arguments.get("values", ()):
            instrument.plugin.set_parameter(index, value)
        if instrument.threads and what == "render":
            _settle(instrument)
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
            found = plugin.get_parameter_name(int(index))
            if found != name:
                raise EngineError(f"parameter {index} is {found!r}, not {name!r}: describe it again")


@contextmanager
def _made_known(plugin: Lv2Plugin | None) -> Iterator[None]:
    """Has dawdreamer find an LV2 plug-in in a folder of `LV2_PATH` as well: for a moment it is in the user's own."""
    usual = [Path(folder).expanduser() for folder in LV2_FOLDERS]
    home = os.environ.get("HOME")
    if plugin is None or home is None or plugin.bundle.parent in usual:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, ".lv2")
        place.mkdir()
        (place / plugin.bundle.name).symlink_to(plugin.bundle.absolute())
        # All else is where it was: a plug-in may read its settings. What cannot be listed is not there.
        for source, links in ((Path(home), Path(folder)), (Path(home, ".lv2"), place)):
            with suppress(OSError):
                for entry in source.absolute().iterdir():
                    if not os.path.lexists(links / entry.name):
                        (links / entry.name).symlink_to(entry)
        os.environ["HOME"] = folder
        try:
            yield
        finally:
            os.environ["HOME"] = home


def _describe(instrument: Instrument, path: str, grid: Sequence[float]) -> dict[str, Any]:
    plugin = instrument.plugin
    fresh = _values(plugin)  # all before any is moved
    labels = [str(about.get("label", "")) for about in plugin.get_parameters_description()]
    parameters = []
    for index, value in enumerate(fresh):
        parameter = {
            "index": index,
            "name": plugin.get_parameter_name(index),
            "label": labels[index] if index < len(labels) else "",
            "value": value,
            "text": plugin.get_parameter_text(index),
            "runs": _runs(plugin, index, value, grid),
        }
        parameters.append(parameter)
    return {
        "name": path if is_uri(path) else Path(path).stem,
        "inputs": plugin.get_num_input_channels(),
        "outputs": plugin.get_num_output_channels(),
        "latency": instrument.latency,
        "threads": len(instrument.threads),
        "parameters": parameters,
    }


def _runs(plugin: Any, index: int, before: float, grid: Sequence[float]) -> list[list[Any]]:
    """Runs of places of the grid for which the plug-in shows the same: first place, last place, text."""
    runs: list[list[Any]] = []
    for place, value in enumerate(grid):
        plugin.set_parameter(index, value)
        text = plugin.get_parameter_text(index)
        if runs and runs[-1][2] == text:
            runs[-1][1] = place
        else:
            runs.append([place, place, text])
    plugin.set_parameter(index, before)
    return runs


def _render(instrument: Instrument, note: Mapping[str, Any]) -> Answer:
    """Plays one note, or none if its pitch is None.

    The samples are float32, shape `(C, T)`, or `(1, T)` if asked for `mono`.
    """
    engine = instrument.engine
    plugin = instrument.plugin
    plugin.clear_midi()
    if note["pitch"] is not None:
        plugin.add_midi_note(note["pitch"], note["velocity"], 0.0, note["hold"])
    # The sound is late by the plug-in's latency, which is cut off again. One sample more than that, because the engine
    # takes seconds, which may be rounded down to a sample less.
    late = instrument.latency
    samples = note["samples"]
    engine.render((samples + late + 1) / instrument.rate)
    sound = np.asarray(engine.get_audio(), np.float32)[:, late : late + samples]
    if sound.shape[1] < samples:
        raise EngineError(f"gave {sound.shape[1]:,} samples, not {samples:,}")
    # one sum instead of a test of every sample: it is finite if and only if all float32 samples are
    if not math.isfinite(sound.sum(dtype=np.float64)):
        raise EngineError("gave samples that are not numbers")
    if note.get("mono") and len(sound):  # half as much to send
        sound = _mixed(sound)
    data = np.ascontiguousarray(sound).reshape(-1).view(np.uint8).data
    return Answer({"channels": sound.shape[0]}, data)


def _mixed(sound: np.ndarray) -> np.ndarray:
    """The mean over channels, shape `(1, T)`, in the memory of the first channel."""
    # new memory would cost page faults, which are most of what a render in a copy of the process costs
    for channel in sound[1:]:
        sound[0] += channel
    sound[0] /= len(sound)
    return sound[:1]


def _values(plugin: Any) -> list[float]:
    return [float(plugin.get_parameter(index)) for index in range(plugin.get_plugin_parameter_size())]


def _texts(plugin: Any) -> list[str]:
    return [plugin.get_parameter_text(index) for index in range(plugin.get_plugin_parameter_size())]


def _unpack(instrument: Instrument, sizes: Sequence[int], data: bytes) -> list[dict[str, Any]]:
    """Values and texts of each preset, or why the plug-in does not take it."""
    plugin = instrument.plugin
    fresh = _values(plugin)
    found: list[dict[str, Any]] = []
    first = 0
    for size in sizes:
        for index, value in enumerate(fresh):
            plugin.set_parameter(index, value)
        try:
            _load_state(instrument, data[first : first + size])
            found.append({"values": _values(plugin), "texts": _texts(plugin)})
        except EngineError as error:
            found.append({"error": str(error)})
        first += size
    return found


def _settle(instrument: Instrument) -> None:
    """Renders one block of silence, in which some plug-ins only receive new values, and waits for what that begins.

    synthv1 and padthv1 compute their waves in threads of their own, and play on meanwhile: a host that renders
    faster than time passes would get the sound of the values before, or no numbers at all.
    """
    instrument.plugin.clear_midi()
    instrument.engine.render(_BLOCK / instrument.rate)
    end = time.monotonic() + _LONGEST_WORK
    alive = instrument.threads & _threads()  # none in a copy of the process
    idle = 0 if alive else _LOOKS
    while idle < _LOOKS and time.monotonic() < end:
        time.sleep(_LOOK)
        idle = idle + 1 if all(map(_sleeps, alive)) else 0


def _threads() -> frozenset[str]:
    """The threads of this process; none where the system does not list them."""
    return frozenset(thread.name for thread in _THREADS.iterdir()) if _THREADS.is_dir() else frozenset()


def _sleeps(thread: str) -> bool:
    """Whether a thread waits for something, or is over."""
    try:
        about = (_THREADS / thread / "stat").read_text()
    except OSError:
        return True
    return about.rpartition(")")[2].split()[0] == "S"


def _state(plugin: Any, path: str) -> Answer:
    # dawdreamer saves to files only, and its state of a VST3 does not say whose it is
    state = _saved(plugin)
    return Answer({"class": vst3_class_id(path) if _VST3 in state else "", "lv2": is_uri(path)}, state)


def _saved(plugin: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "state")
        plugin.save_state(str(file))
        return file.read_bytes()


def _load_state(instrument: Instrument, data: bytes) -> None:
    if instrument.ports:
        _load_ports(instrument, data)
        return
    vst3 = data[:4] == b"VST3"
    load = instrument.plugin.load_vst3_preset if vst3 else instrument.plugin.load_preset
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "preset.vstpreset" if vst3 else "preset.fxp")
        file.write_bytes(data if vst3 else data + _PADDING)
        try:
            taken = load(str(file))
        except RuntimeError as error:
            raise EngineError(f"does not take this preset: {error}") from error
    if taken is False:
        raise EngineError("does not take this preset")


def _load_ports(instrument: Instrument, data: bytes) -> None:
    """Sets the ports of an LV2 preset; those that it leaves out stay as they are."""
    # dawdreamer opens the plug-in's window to load a state, and fails if it has none
    preset = _lv2_preset(data)
    for index, port in instrument.ports.items():
        if port.symbol in preset.values:
            scale = instrument.rate if port.of_rate else 1.0
            place = (preset.values[port.symbol] / scale - port.low) / ((port.high - port.low) or 1.0)
            instrument.plugin.set_parameter(index, min(max(place, 0.0), 1.0))
    if preset.state:  # some plug-ins store there what they compute of their parameters
        _settle(instrument)
        if preset.state != _lv2_preset(_saved(instrument.plugin)).state:
            raise EngineError("this preset holds more than the values of parameters, and that cannot be loaded here")


def _lv2_preset(data: bytes) -> Lv2Preset:
    try:
        (preset,) = read_lv2_presets(data)
    except ValueError as error:
        raise EngineError(f"not one LV2 preset: {error}") from error
    return preset


def _parameters(plugin: Any, ports: Sequence[Port]) -> dict[int, Port]:
    """The ports that are parameters, by the index of these."""
    # dawdreamer puts ports of one group together, has settings that are no ports, and leaves out what it sets itself
    left = list(ports)
    found: dict[int, Port] = {}
    for index in range(plugin.get_plugin_parameter_size()):
        name = plugin.get_parameter_name(index)
        port = next((port for port in left if port.name == name), None)
        if port is not None:
            found[index] = port
            left.remove(port)
    return found


_COUNT = 4  # places in the function table of IPluginFactory, after the three of every interface
_INFO = 5
_SOUND = b"Audio Module Class"
_FOLDERS = ("*-linux/*.so", "MacOS/*", "*-win/*.vst3")


def vst3_class_id(plugin: str) -> str:
    """Returns the id of the class that makes sound, from the plug-in's factory.

    Args:
        plugin: The plug-in's file or bundle, which is loaded already.

    Raises:
        EngineError: If there is none.
    """
    library = ctypes.CDLL(str(_library(Path(plugin))))
    library.GetPluginFactory.restype = ctypes.c_void_p
    factory = library.GetPluginFactory()

    # No package reads it, so this walks the C++ object by hand: its first word points to its table of functions,
    # and each function takes the object as its first argument.
    pointer_to = ctypes.POINTER(ctypes.c_void_p)
    table = ctypes.cast(factory, pointer_to)[0]
    functions = ctypes.cast(table, pointer_to)
    count = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(functions[_COUNT])
    info = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p)(functions[_INFO])

    # PClassInfo: 16 bytes of id, 4 of cardinality, 32 of category, then its name
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
    """The program library of a plug-in: the file itself, or the one in a bundle's folder for a system."""
    if plugin.is_file():
        return plugin
    for pattern in _FOLDERS:
        for file in sorted(plugin.glob(f"Contents/{pattern}")):
            return file
    raise EngineError(f"{plugin}: this bundle has no library")
