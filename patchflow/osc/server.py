"""Receives OSC over UDP, keeps the newest of every value, works it off in one thread and answers."""

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from ..errors import OptionError, PatchflowError
from ..presets import Preset
from ..printable import one_line
from .addresses import AddressTable
from .live_patch import LivePatch
from .mailbox import Mailbox, Message, attempt

__all__ = ["LiveServer", "OscOut", "opened_socket"]

_LARGEST = 65_536  # bytes of a UDP packet
_BUNDLE = 1_400  # bytes that go into one: no network cuts it
_ROOM = 2**22  # bytes that the system may keep of what is not read yet, where it allows as much
_NAMES = 200  # parameters in one message of all
_ERRORS = 20  # a second, so that a flood of mistakes is no flood of answers
_DAMAGED = (ParseError, ValueError, IndexError, TypeError, OverflowError, RecursionError, struct.error)
"""What the parser raises where a message is damaged."""
_BUNDLE_HEAD = b"#bundle\0"
_BUNDLE_START = 16  # bytes of a bundle before its first message: head and time
_DEEPEST = 8  # bundles in one another
_TYPES = {"i": 4, "f": 4, "h": 8, "d": 8, "s": 4, "b": 4, "r": 4, "m": 4, "t": 8, "T": 0, "F": 0, "N": 0,
          "[": 0, "]": 0}  # fmt: skip
"""Types of arguments, and how many bytes each has at least."""


class OscOut:
    """Sends OSC messages to one place.

    Args:
        host: Where to.
        port: Its UDP port.

    Raises:
        OptionError: If there is no such host.
    """

    def __init__(self, host: str, port: int) -> None:
        try:  # once: to ask for the address of a name may take seconds
            self._to = (socket.gethostbyname(host), port)
        except (OSError, UnicodeError) as error:
            raise OptionError(f"out={host}:{port}: no such host is known ({error})") from error
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._said = 0  # errors in this second
        self._unsaid = 0
        self._second = 0

    def send(self, path: str, *values: float | str) -> None:
        """Sends one message; nobody has to be there to receive it."""
        self._send(_built(path, values).dgram)

    def send_many(self, messages: Sequence[tuple[str, Sequence[float | str]]]) -> None:
        """Sends messages, some together in one packet."""
        if len(messages) == 1:
            self.send(messages[0][0], *messages[0][1])
            return
        bundle = OscBundleBuilder(IMMEDIATELY)
        size = 0
        for path, values in messages:
            message = _built(path, values)
            if size + message.size > _BUNDLE and size:
                self._send(bundle.build().dgram)
                bundle = OscBundleBuilder(IMMEDIATELY)
                size = 0
            bundle.add_content(message)
            size += message.size + 4
        if size:
            self._send(bundle.build().dgram)

    def error(self, where: str, what: Callable[[], str]) -> None:
        """Sends what went wrong to `/error`, some times a second at most; the others are counted."""
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._said = 0
        self._said += 1
        if self._said > _ERRORS:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} errors that were not sent)" if self._unsaid else ""
        self._unsaid = 0
        text = one_line(f"{where}: {what()}" if where else what())
        self.send("/error", f"{text[:500]}{more}")

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._to)
        except OSError:  # nobody is there, or the network is gone: the next message may get through
            logging.getLogger(__name__).debug("not sent: %d bytes to %s", len(data), self._to)


def _built(path: str, values: Sequence[float | str]) -> OscMessage:
    builder = OscMessageBuilder(path)
    for value in values:
        builder.add_arg(value, _tag(value))
    return builder.build()


def _tag(value: float | str) -> str:
    if isinstance(value, str):
        return "s"
    return "f" if isinstance(value, float) else "i"


@dataclass
class LiveServer:
    """Live control: receives, does, answers.

    Three threads: one only receives, one does what the messages ask, and one does what takes long. The first keeps the
    newest of each value where the second is not ready yet, so that a flood of messages costs nothing but itself.

    Args:
        listening: Where OSC comes in, see `opened_socket`.
        out: Where answers go.
        table: The addresses.

    Attributes:
        mailbox: What waits to be done; MIDI puts its messages here too.
        targets: Who does what, by the first word of `OscAddress.call`.
        followers: Called after each batch of messages, with the names of the parameters that it changed.
        endings: Called at the end of all, to end threads of others.
    """

    listening: socket.socket
    out: OscOut
    table: AddressTable
    mailbox: Mailbox = field(default_factory=Mailbox)
    targets: dict[str, Any] = field(default_factory=dict)
    followers: list[Callable[[Preset, Sequence[str]], None]] = field(default_factory=list)
    endings: list[Callable[[], None]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list, init=False)
    """Parameters that the present batch has changed."""

    def __post_init__(self) -> None:
        self.targets["server"] = self
        self._ended = threading.Event()

    @property
    def patch(self) -> LivePatch:
        """What is played."""
        return self.targets["patch"]

    @property
    def port(self) -> int:
        """The UDP port on which it listens."""
        return self.listening.getsockname()[1]

    # ---- what addresses call

    def ping(self) -> None:
        """Says that it is there, after all that was asked before is done and sent."""
        self.patch.flush()
        self.out.send("/from_server", "pong")

    def stop(self) -> None:
        """Ends it."""
        self.out.send("/terminated")
        self._ended.set()

    # ---- Outlet

    def send(self, path: str, *values: float | str) -> None:
        """Sends one message, see `live_patch.Outlet`."""
        self.out.send(path, *values)

    def send_parameters(self, preset: Preset, changed: Sequence[str], *, whole: bool) -> None:
        """Sends parameters that changed: each on its own address, and all in one message after a whole preset."""
        known = {name: self.patch.parameter(name) for name in (preset.values if whole else changed)}
        paths = self.table.parameter_paths
        self.out.send_many([(paths[name], known[name]) for name in changed])
        self.changed += changed
        names = list(known) if whole else []
        for first in range(0, len(names), _NAMES):
            pairs: list[float | str] = []
            for name in names[first : first + _NAMES]:
                pairs += (name, known[name][0])
            self.out.send("/params", *pairs)

    # ---- threads

    def serve(self) -> None:
        """Works until it is told to stop, or Ctrl-C."""
        threads = [
            threading.Thread(target=self._receive, name="patchflow live: receives", daemon=True),
            threading.Thread(target=self._work, name="patchflow live: does", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            # Windows does not wake a thread that waits for good when Ctrl-C is pressed.
            while not self._ended.wait(0.5 if os.name == "nt" else None):
                pass
        finally:
            self._ended.set()
            self.mailbox.close()
            _wake(self.listening)
            for thread in threads:
                thread.join(5.0)
            for end in self.endings:
                end()
            self.listening.close()
            self.out.close()

    def _receive(self) -> None:
        while not self._ended.is_set():
            try:
                data = self.listening.recv(_LARGEST)
            except OSError:  # of a packet that was sent to nobody, on Windows; or the socket was closed
                continue
            if data:
                self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            messages = [_parsed(part) for part in _parts(data)]
        except _DAMAGED as error:
            damage = str(error)
            self.out.error("", lambda: f"not an OSC packet ({len(data)} bytes): {damage}")
            return
        for found in messages:
            path = found.address
            try:
                message = self.understood(path, found.params)
            except PatchflowError as error:
                self.out.error(path[:200], partial(str, error))
                continue
            if not self.mailbox.put(message):
                self.out.error(path, lambda: "too many messages wait, so it was left out")

    def understood(self, path: str, values: Sequence[object]) -> Message:
        """Returns what a message asks for.

        Raises:
            UnknownName: If there is no such address.
            OptionError: If an argument is not allowed.
        """
        if path.startswith("/q/") and path != "/q/all_params":
            return self._question(path.removeprefix("/q"))
        address, first = self.table.find(path)
        checked = address.checked(values)
        who, _, what = address.call.partition(".")
        act = partial(getattr(self.targets[who], what), *first, *checked)
        # Whole numbers say of what it is a value: a control, a channel, a dimension.
        key = (address.path, *first, *(value for value in checked if isinstance(value, int)))
        return Message(path, act, address.kind, key)

    def _question(self, path: str) -> Message:
        address, first = self.table.find(path)
        if not address.asks:
            raise OptionError("cannot be asked for")
        who, _, _ = address.call.partition(".")
        asked = getattr(self.targets[who], address.asks)
        return Message(f"/q{path}", lambda: self.out.send(path, *asked(*first)), "event")

    def _work(self) -> None:
        self.finish()  # whoever listens already is told what the preset is
        while batch := self.mailbox.take():
            for message in batch:
                attempt(message.name, message.act, self.out.error)
            self.finish()

    def finish(self) -> None:
        """Sends what a batch of messages has changed."""
        attempt("", self.patch.flush, self.out.error)
        for follow in self.followers:
            attempt("", partial(follow, self.patch.preset, tuple(self.changed)), self.out.error)
        self.changed.clear()


def opened_socket(host: str, port: int) -> socket.socket:
    """Returns a UDP socket that listens.

    Args:
        host: Address of this machine, such as `127.0.0.1`.
        port: 0 for any that is free.

    Raises:
        OptionError: If the port is taken, or the host is not this machine.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OptionError(f"port={port}: cannot listen on {host} ({why}). Give another with --port.") from error
    return listening


def _wake(listening: socket.socket) -> None:
    """Sends an empty packet to a socket, so that whoever waits there looks again."""
    host, port = listening.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
        knock.sendto(b"", ("127.0.0.1" if host == "0.0.0.0" else host, port))


def _parts(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The messages of a packet, which may be bundles in bundles; what time they are for is ignored: they are done now.

    python-osc reads messages well, but never comes back from a bundle that gives a negative size.

    Raises:
        ValueError: If a size is not that of a part of the packet.
    """
    if not data.startswith(_BUNDLE_HEAD):
        yield data
        return
    if depth == _DEEPEST or len(data) < _BUNDLE_START:
        raise ValueError("a bundle that is cut off, or in too many others")
    place = _BUNDLE_START
    while place < len(data):
        (size,) = struct.unpack_from(">i", data, place)
        place += 4
        if not 0 < size <= len(data) - place:
            raise ValueError(f"a part of a bundle of {size} bytes, where {len(data) - place} are left")
        yield from _parts(data[place : place + size], depth + 1)
        place += size


def _parsed(data: bytes) -> OscMessage:
    """One message.

    Raises:
        ValueError: If it is none, has arguments of a type that python-osc would leave out, or is cut off where
            python-osc would think of zeros.
    """
    end = data.find(b"\0")
    if not data.startswith(b"/") or end < 0:
        raise ValueError("it does not begin with an address")
    start = (end // 4 + 1) * 4
    tags = data[start : max(data.find(b"\0", start), start)].decode("ascii", "replace")
    if set(tags[1:]) - set(_TYPES) or (data[start:] and not tags.startswith(",")):
        raise ValueError(f"its types are {tags[:40]!r}")
    left = len(data) - start - (len(tags) // 4 + 1) * 4
    if tags and left < sum(_TYPES[tag] for tag in tags[1:]):
        raise ValueError(f"its arguments {tags[:40]!r} are cut off")
    return OscMessage(data)
