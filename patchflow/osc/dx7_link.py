"""DX7 messages to a synth, at a pace that it can take, and what comes back: dumps for the library, knobs that moved."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..engines import engines
from ..errors import OptionError, PresetError, UnknownName
from ..presets import Library, Preset, dx7
from ..presets.formats import ReadReport, formats
from .live_macros import normal_value
from .live_patch import LivePatch
from .mailbox import ErrorCallback, attempt

__all__ = ["GAP", "RATE", "Dx7Link", "SysexSender", "parameter_change"]

RATE = 2_500.0
"""Bytes a second that are sent at most where nobody says how many: 80 % of what a MIDI cable carries."""

GAP = 0.05
"""Seconds of silence after a dump, in which an old synth puts it away."""

_VOICE = 155  # bytes of a voice: 145 parameters and ten letters
_HEADER = 6  # bytes before them in a dump
_CHANGES = 23  # parameters that differ, above which a whole voice is fewer bytes
_WAITING = 4  # banks and requests
_SHORTEST = 3  # bytes of a message that says anything
_KINDS = {"voice": 0x00, "bank": 0x09}


def parameter_change(channel: int, number: int, value: int) -> bytes:
    """Returns the message that changes one byte of the voice that a DX7 plays.

    Args:
        channel: MIDI channel, 0 to 15.
        number: Of the byte in a single-voice dump, 0 to 154.
        value: 0 to 99.

    Example:
        >>> parameter_change(0, 134, 31).hex(" ")
        'f0 43 10 01 06 1f f7'
    """
    return bytes((0xF0, 0x43, 0x10 | channel, number >> 7, number & 0x7F, value, 0xF7))


class SysexSender:
    """Keeps the voice of a DX7 as it should be: sends what differs, never faster than it is allowed to.

    It knows what it sent, and what the voice should be now; what it sends next is the difference. However many changes
    come in between, only the newest are sent, and nothing piles up.

    Args:
        send: Sends one message, from F0 to F7.
        channel: MIDI channel, 0 to 15.
        rate: Bytes a second, at most.
        gap: Seconds of silence after a dump.
        tell: Is told what goes wrong with the port.

    Raises:
        OptionError: If one is out of its range.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        channel: int = 0,
        rate: float = RATE,
        gap: float = GAP,
        tell: ErrorCallback = lambda where, what: None,
    ) -> None:
        if not 100 <= rate <= 10_000_000:
            raise OptionError(f"sysex_rate={rate:g}: not in [100, 10000000] bytes a second")
        self.channel = channel
        self._send = send
        self._tell = tell
        self._rate = rate
        self._gap = gap
        self._ready = threading.Condition()
        self._wanted: bytes | None = None
        self._there: bytearray | None = None  # what the synth has; None where that is not known
        self._others: deque[bytes] = deque()
        self._next = 0  # which byte is looked at first: each has its turn
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="patchflow live: SysEx", daemon=True)
        self._thread.start()

    def want(self, voice: bytes, *, again: bool = False) -> None:
        """Says what the voice should be.

        Args:
            voice: 155 bytes, as in a single-voice dump.
            again: Send it whole, whatever the synth is thought to have.
        """
        with self._ready:
            self._wanted = voice
            if again:
                self._there = None
            self._ready.notify()

    def add(self, message: bytes) -> None:
        """Sends another message in its turn.

        Raises:
            OptionError: If too many wait.
        """
        with self._ready:
            if len(self._others) >= _WAITING:
                raise OptionError(f"SysEx: {_WAITING} messages wait to be sent already")
            self._others.append(message)
            self._ready.notify()

    def know(self, voice: bytes) -> None:
        """Says what the synth has, since it told so."""
        with self._ready:
            self._there = bytearray(voice)
            self._wanted = voice

    def know_byte(self, number: int, value: int) -> None:
        """Says which value one byte has, since the synth told so."""
        with self._ready:
            if self._there is not None:
                self._there[number] = value
            if self._wanted is not None:  # else the old value would be sent back until the preset has this one
                self._wanted = self._wanted[:number] + bytes((value,)) + self._wanted[number + 1 :]

    def close(self) -> None:
        """Ends the thread; what waits is not sent."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join(5.0)

    def _run(self) -> None:
        free = 0.0  # when the cable is free again
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._closed or self._others or self._differs())
                while not self._closed and (pause := free - time.monotonic()) > 0:
                    self._ready.wait(pause)
                if self._closed:
                    return
                message = self._message()
            if message:
                attempt("SysEx", partial(self._send, message), self._tell)
                dump = self._gap if len(message) > _VOICE else 0.0
                free = time.monotonic() + len(message) / self._rate + dump

    def _differs(self) -> bool:
        return self._wanted is not None and self._wanted != self._there

    def _message(self) -> bytes:
        """The next message; nothing if what differed is the same again by now."""
        if self._others:
            return self._others.popleft()
        if self._wanted is None:
            return b""
        if self._there is None:
            return self._dump(self._wanted)
        differ = [number for number in range(_VOICE) if self._wanted[number] != self._there[number]]
        if len(differ) > _CHANGES:
            return self._dump(self._wanted)
        if not differ:
            return b""
        number = next((number for number in differ if number >= self._next), differ[0])
        self._next = number + 1
        self._there[number] = self._wanted[number]
        return parameter_change(self.channel, number, self._wanted[number])

    def _dump(self, voice: bytes) -> bytes:
        self._there = bytearray(voice)
        header = bytes((0xF0, 0x43, self.channel, 0, _VOICE >> 7, _VOICE & 0x7F))
        return header + voice + bytes((-sum(voice) & 0x7F, 0xF7))


class Dx7Link:
    """A DX7, Dexed or MiniDexed at a MIDI port: follows the preset, and tells what it sends itself.

    Args:
        patch: What is played.
        sender: Sends to the synth; None if nothing is to be sent.
        library: Where dumps that come in are kept; the user's own if None.

    Raises:
        OptionError: If the synth of the patch is none that takes these messages, and there is a sender.
    """

    def __init__(self, patch: LivePatch, sender: SysexSender | None, library: Path | None = None) -> None:
        if sender is not None and patch.engine.native != "syx":
            raise OptionError(f"synth={patch.synth}: takes no SysEx; only the DX7 and its subsets do")
        self._patch = patch
        self._sender = sender
        self._library = library

    # ---- to the synth

    def follow(self, preset: Preset, changed: Sequence[str]) -> None:
        """Sends what a batch of messages has changed."""
        if self._sender is not None and changed:
            self._sender.want(self._voice(preset))

    def send_voice(self, what: str = "voice") -> None:
        """Sends the preset, or all that are in hand as a bank."""
        sender = self._sending()
        kind = _kind(what)
        if kind == "voice":
            sender.want(self._voice(self._patch.preset), again=True)
            self._patch.out.send("/sysex/sent", kind, _VOICE + 8)
            return
        presets = [engines[preset.synth].whole(preset) for preset in self._patch.hand[:32]]
        if not presets:
            raise OptionError("no preset in hand, so there is no bank to send")
        # a bank of one preset would be written as a single voice
        data = bytearray(formats["syx"]().write(presets if len(presets) > 1 else presets * 2))
        data[2] = sender.channel
        sender.add(bytes(data))
        self._patch.out.send("/sysex/sent", kind, len(data))

    def request(self, what: str = "voice") -> None:
        """Asks the synth for a dump."""
        sender = self._sending()
        sender.add(bytes((0xF0, 0x43, 0x20 | sender.channel, _KINDS[_kind(what)], 0xF7)))

    def _sending(self) -> SysexSender:
        if self._sender is None:
            raise OptionError("there is no synth to send SysEx to: give --midi-out and --sysex")
        return self._sender

    def _voice(self, preset: Preset) -> bytes:
        whole = engines[preset.synth].whole(preset)
        return formats["syx"]().write([whole])[_HEADER : _HEADER + _VOICE]

    # ---- from the synth

    def receive(self, data: bytes) -> None:
        """Takes a message in: a dump, or a knob that was turned at the synth.

        Args:
            data: What is between F0 and F7.

        Raises:
            PresetError: If it is none of a DX7, or cut off.
        """
        if len(data) < _SHORTEST or data[0] != 0x43:
            raise PresetError(f"SysEx of {len(data) + 2} bytes is none of a DX7, so it was left out")
        kind = data[1] >> 4
        if kind == 1:
            self._receive_change(data)
        elif kind == 0:
            self._receive_dump(bytes((0xF0, *data, 0xF7)))
        elif kind != 2:  # somebody else's request for a dump is no news
            raise PresetError(f"SysEx of a DX7 with an unknown byte {data[1]:#04x} was left out")

    def _receive_change(self, data: bytes) -> None:
        if len(data) != 5:
            raise PresetError(f"SysEx: a parameter change of {len(data) + 2} bytes, not of 7, was left out")
        number = (data[2] & 3) << 7 | data[3]
        if data[2] >> 2 or number >= len(dx7.NAMES):
            return  # of the name, or of what belongs to the synth and not to the voice
        name = dx7.NAMES[number]
        if data[4] > dx7.LIMITS[number]:
            raise PresetError(f"SysEx: {name}={data[4]}: not in [0, {dx7.LIMITS[number]}]")
        if name not in self._patch.space.index:
            return  # a subset of the synth keeps it as it is
        if self._sender is not None:
            self._sender.know_byte(number, data[4])
        parameter = self._patch.space.parameters[self._patch.space.index[name]]
        share = normal_value(parameter, parameter.value((data[4] + 0.5) / parameter.cells))
        self._patch.set_parameter(name, share)

    def _receive_dump(self, message: bytes) -> None:
        report: ReadReport = formats["syx"]().read(message)
        if not report.presets:
            why = report.rejected[0].reason if report.rejected else "no voice in it"
            raise PresetError(f"SysEx dump of {len(message):,} bytes: {why}")
        for problem in report.problems[:3]:
            self._patch.out.send("/print", f"SysEx dump: {problem}")
        is_voice = len(message) == _HEADER + _VOICE + 2  # else a bank of which only one voice could be read
        if is_voice and self._sender is not None:
            self._sender.know(message[_HEADER : _HEADER + _VOICE])
        if self._patch.synth == "dexed":
            self._patch.take(report.presets)
        self._patch.worker.start("the dump", lambda: self._keep(report.presets), self._tell_kept)

    def _keep(self, presets: Sequence[Preset]) -> tuple[int, int]:
        report = Library(self._library).add(presets, lambda synth: engines[synth].space, source="MIDI dump")
        return report.added, report.merged

    def _tell_kept(self, counts: tuple[int, int]) -> None:
        self._patch.out.send("/imported", *counts)


def _kind(what: str) -> str:
    if what not in _KINDS:
        raise UnknownName("kind of dump", what, _KINDS)
    return what
