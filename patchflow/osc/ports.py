"""MIDI ports: those of the system by python-rtmidi or rtmidi2, whichever is installed, and MIDI over TCP."""

import importlib
import importlib.util
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import mido
import mido.sockets

from ..errors import MissingDependency, OptionError, PatchflowError, UnknownName

__all__ = ["MidiOut", "open_input", "open_output", "port_names"]

_OURS = "patchflow live"  # name of the ports that are made
_TCP = "tcp:"
_PACKAGES = ("rtmidi2", "rtmidi")
_INSTALL = "MIDI ports need a package more: pip install 'patchflow[live]'"


@runtime_checkable
class MidiOut(Protocol):
    """A port that messages go to."""

    def send(self, message: mido.Message) -> None:
        """Sends one message."""

    def close(self) -> None:
        """Closes the port."""


class _SharedOut:
    """A port that several threads send to, a whole message at a time."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self._turn = threading.Lock()

    def send(self, message: mido.Message) -> None:
        with self._turn:
            self._port.send(message)

    def close(self) -> None:
        self._port.close()


class _Rtmidi2Out:
    """An output of the package rtmidi2, which mido does not know."""

    def __init__(self, name: str) -> None:
        self._port = importlib.import_module("rtmidi2").MidiOut(_OURS)
        _open_rtmidi2(self._port, name)

    def send(self, message: mido.Message) -> None:
        self._port.send_raw(*message.bytes())

    def close(self) -> None:
        self._port.close_port()


class _Rtmidi2In:
    """An input of the package rtmidi2."""

    def __init__(self, name: str, receive: Callable[[mido.Message], None]) -> None:
        parser = mido.Parser()

        def take(data: Sequence[int], _: float) -> None:
            parser.feed(data)
            for message in parser:
                receive(message)

        self._port = importlib.import_module("rtmidi2").MidiIn(_OURS)
        self._port.ignore_types(False, False, True)
        self._port.callback = take
        _open_rtmidi2(self._port, name)

    def close(self) -> None:
        self._port.callback = None
        self._port.close_port()


class _TcpIn:
    """An input that is a connection: MIDI bytes over TCP, as mido's `PortServer` and `mido-serve` speak it."""

    def __init__(self, connection: socket.socket, receive: Callable[[mido.Message], None]) -> None:
        self._connection = connection
        self._receive = receive
        self._thread = threading.Thread(target=self._run, name="patchflow live: MIDI", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        parser = mido.Parser()
        with suppress(OSError):  # it was closed, here or there
            while data := self._connection.recv(4_096):
                parser.feed(data)
                for message in parser:
                    self._receive(message)

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def open_output(name: str) -> MidiOut:
    """Opens a port to send to.

    Args:
        name: A part of its name; `virtual` for a port of our own that others connect to; `tcp:HOST:PORT` for MIDI over
            a network connection.

    Raises:
        OptionError: If there is no such port, or it cannot be opened.
        MissingDependency: If no package that knows ports is installed.
    """

    def opened() -> Any:
        if name.startswith(_TCP):
            return mido.sockets.connect(*_address(name))
        if _package() == "rtmidi2":
            return _Rtmidi2Out(name)
        backend = mido.Backend("mido.backends.rtmidi")
        if name == "virtual":
            return backend.open_output(_OURS, virtual=True)
        return backend.open_output(_like(name, backend.get_output_names()))

    return _SharedOut(_opened(name, opened))


def open_input(name: str, receive: Callable[[mido.Message], None]) -> Any:
    """Opens a port to receive from, and returns what closes it.

    Args:
        name: See `open_output`.
        receive: Called with each message, in a thread of the port.

    Raises:
        OptionError: If there is no such port, or it cannot be opened.
        MissingDependency: If no package that knows ports is installed.
    """

    def opened() -> Any:
        if name.startswith(_TCP):
            return _TcpIn(socket.create_connection(_address(name)), receive)
        if _package() == "rtmidi2":
            return _Rtmidi2In(name, receive)
        backend = mido.Backend("mido.backends.rtmidi")
        if name == "virtual":
            return backend.open_input(_OURS, virtual=True, callback=receive)
        return backend.open_input(_like(name, backend.get_input_names()), callback=receive)

    return _opened(name, opened)


def port_names() -> tuple[list[str], list[str]]:
    """Returns the names of all inputs and all outputs.

    Raises:
        OptionError: If the system has no MIDI.
        MissingDependency: If no package that knows ports is installed.
    """

    def listed() -> tuple[list[str], list[str]]:
        if _package() == "rtmidi2":
            rtmidi2 = importlib.import_module("rtmidi2")
            return list(rtmidi2.get_in_ports()), list(rtmidi2.get_out_ports())
        backend = mido.Backend("mido.backends.rtmidi")
        return list(backend.get_input_names()), list(backend.get_output_names())

    return _opened("", listed)


def _package() -> str:
    for name in _PACKAGES:
        if importlib.util.find_spec(name) is not None:
            return name
    raise MissingDependency(_INSTALL)


def _opened(name: str, open_: Callable[[], Any]) -> Any:
    try:
        return open_()
    except PatchflowError:
        raise
    except Exception as error:  # each package has errors of its own, and rtmidi2 plain ones
        why = " ".join(str(error).split()) or type(error).__name__
        what = f"midi={name!r}" if name else "MIDI ports"
        raise OptionError(f"{what}: cannot be opened ({why[:200]})") from error


def _address(name: str) -> tuple[str, int]:
    host, sign, port = name.removeprefix(_TCP).rpartition(":")
    if not sign or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise OptionError(f"midi={name!r}: not of the form tcp:HOST:PORT")
    return host, int(port)


def _like(name: str, known: Sequence[str]) -> str:
    """The first port in whose name the words are, or that has just this name."""
    for port in sorted(known, key=lambda port: port != name):
        if name.lower() in port.lower():
            return port
    raise UnknownName("MIDI port", name, known)


def _open_rtmidi2(port: Any, name: str) -> None:
    if name == "virtual":
        port.open_virtual_port(_OURS)
    else:
        port.open_port(port.ports.index(_like(name, port.ports)))
