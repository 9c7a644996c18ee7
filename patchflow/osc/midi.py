"""What MIDI does in live control: controls with soft takeover and learn, notes, programs, MPE timbre, clock.

Here all parts of live control are put together, since MIDI reaches each of them.
"""

import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import mido

from ..engines import engines
from ..errors import OptionError, PatchflowError, UnknownName
from ..presets import Preset
from .addresses import MACROS, AddressTable
from .dx7_link import RATE, Dx7Link, SysexSender
from .live_macros import normal_value
from .live_patch import LivePatch
from .mailbox import Background, Message
from .ports import MidiOut
from .server import LiveServer, OscOut
from .travels import Travels

__all__ = ["FIRST_CONTROL", "MidiDesk", "live_server"]

FIRST_CONTROL = 20
"""Control number of macro 1 where nothing was learned; 20 to 27 have no other meaning in MIDI."""

_TIMBRE = 74  # what MPE controllers send for the place on a key
_ALL_OFF = 123
_TICKS = 24  # clock messages a beat
_SONG = 6  # clock messages that a song position counts
_NEAR = 1.5 / 127  # nearer than that, a control has picked its value up
_BEND = 8_191


class MidiDesk:
    """What MIDI messages do, and what goes out by MIDI.

    A control first picks up the value it turns: nothing jumps when a preset was loaded since it was last moved. Most
    messages become the OSC messages that do the same, so both follow the same rules.

    Args:
        server: Gets what is to be done.
        patch: What is played.
        travels: Plays its path.
        link: Gets SysEx.
        out: Where notes and controls go; None for nowhere.
        channel: On which channel, 0 to 15.

    Attributes:
        controls: What each control number turns: `"macro/1"` or the name of a parameter.
    """

    def __init__(
        self,
        server: LiveServer,
        patch: LivePatch,
        travels: Travels,
        link: Dx7Link,
        *,
        out: MidiOut | None = None,
        channel: int = 0,
    ) -> None:
        self._server = server
        self._patch = patch
        self._travels = travels
        self._link = link
        self._out = out
        self._channel = channel
        self.controls = {FIRST_CONTROL + number: f"macro/{number + 1}" for number in range(MACROS)}
        self._learning = ""
        self._moved: dict[int, float] = {}  # where each control was last
        self._set: dict[int, float] = {}  # and what it set then
        self._fed: dict[int, int] = {}  # what was sent back of each
        self._notes: dict[int, int] = {}  # keys that are down, and what they play
        self._beats = 16.0
        self._timbre = 0
        self._ticks = 0  # number of the next clock message
        self._running = False

    # ---- what comes in

    def receive(self, message: Any) -> None:
        """Takes a message in, in the thread of its port: it is only noted, and done in the turn of all messages.

        Args:
            message: A `mido.Message`, whose attributes depend on what it is.
        """
        with suppress(PatchflowError):  # of a message that has no meaning here
            noted = self._understood(message)
            if noted is not None and not self._server.mailbox.put(noted):
                self._server.out.error("MIDI", lambda: "too many messages wait, so one was left out")

    def _understood(self, message: Any) -> Message | None:
        understood = self._server.understood
        match message.type:
            case "control_change":
                return understood("/cc", [message.channel, message.control, message.value])
            case "note_on" if message.velocity:
                return understood("/mnote", [message.note, message.velocity])
            case "note_on" | "note_off":
                return understood("/mnote/rel", [message.note, message.velocity])
            case "pitchwheel":
                return understood("/pbend", [message.channel, message.pitch / _BEND])
            case "program_change":
                return understood("/candidate", [message.program + 1])
            case "sysex":
                return Message("MIDI", partial(self._link.receive, bytes(message.data)), "event")
            case "clock" | "start" | "continue" | "stop" | "songpos":
                return self._timed(message)
        return None

    def _timed(self, message: Any) -> Message | None:
        """Counts the clock; what it says is a value, so it never piles up. The first one after a start is beat 0."""
        match message.type:
            case "start":
                self._ticks = 0
            case "songpos":
                self._ticks = message.pos * _SONG
            case "clock" if not self._running:  # many send it while they stand
                return None
        if message.type in ("start", "continue", "stop"):
            self._running = message.type != "stop"
        tick = self._ticks
        self._ticks += message.type == "clock"
        if not self._beats or message.type == "stop":
            return None
        place = tick / _TICKS / self._beats % 1.0
        return Message("MIDI clock", partial(self._play_path, place), "value", "clock")

    def _play_path(self, place: float) -> None:
        if len(self._travels.path) > 1:
            self._travels.play_path(place)

    # ---- controls

    def control(self, channel: int, number: int, value: float) -> None:
        """Does what a control change asks for: learns, or turns what the control turns."""
        share = value / 127
        if self._timbre and number == _TIMBRE and channel:  # channel 1 is that of all notes in MPE
            self._patch.set_macro(self._timbre, share)
            return
        if self._learning:
            self._learn(number)
        target = self.controls.get(number)
        if target is not None and self._picked_up(number, share, self._value(target)):
            self._turn(target, share)
            self._set[number] = self._value(target)

    def _picked_up(self, number: int, share: float, now: float) -> bool:
        """Whether a control may turn its value: it was the last to do so, is near it, or has just passed it."""
        before = self._moved.get(number)
        self._moved[number] = share
        if abs(self._set.get(number, -1.0) - now) < 1e-9 or abs(share - now) <= _NEAR:
            return True
        return before is not None and (before - now) * (share - now) <= 0

    def _value(self, target: str) -> float:
        if target.startswith("macro/"):
            return self._patch.macros.places[int(target[6:]) - 1]
        parameter = self._patch.space.parameters[self._patch.space.index[target]]
        return normal_value(parameter, self._patch.preset.values[target])

    def _turn(self, target: str, share: float) -> None:
        if target.startswith("macro/"):
            self._patch.set_macro(int(target[6:]), share)
        else:
            self._patch.set_parameter(target, share)

    def learn(self, macro: int) -> None:
        """Gives the next control that moves to a macro."""
        self._learning = f"macro/{macro}"

    def learn_parameter(self, name: str) -> None:
        """Gives the next control that moves to a parameter."""
        if name not in self._patch.space.index:
            raise UnknownName("parameter", name, self._patch.space.names)
        self._learning = name

    def forget(self, macro: int) -> None:
        """Takes the controls of a macro away."""
        for number in [number for number, target in self.controls.items() if target == f"macro/{macro}"]:
            del self.controls[number]
        self._patch.out.send("/learned", -1, f"macro/{macro}")

    def _learn(self, number: int) -> None:
        target = self._learning
        self._learning = ""
        for other in [other for other, of in self.controls.items() if of == target]:
            del self.controls[other]
        self.controls[number] = target
        self._set.pop(number, None)
        self._moved.pop(number, None)
        self._patch.out.send("/learned", number, target)

    def set_timbre(self, macro: int) -> None:
        """Chooses the macro that MPE timbre turns; 0 for none."""
        self._timbre = macro

    def timbre_now(self) -> tuple[int]:
        """Returns the macro that MPE timbre turns."""
        return (self._timbre,)

    def set_beats(self, beats: float) -> None:
        """Sets how many beats the path lasts."""
        self._beats = beats

    def beats_now(self) -> tuple[float]:
        """Returns how many beats the path lasts."""
        return (self._beats,)

    # ---- what goes out

    def note(self, key: int, velocity: float, _: int = 0) -> None:
        """Plays a note."""
        if not velocity:
            self.release(key)
            return
        if key in self._notes:
            self.release(key)
        self._notes[key] = self._patch.played(key)
        loudness = min(max(round(velocity), 1), 127)
        self._send(mido.Message("note_on", note=self._notes[key], velocity=loudness, channel=self._channel))

    def release(self, key: int, velocity: float = 0.0, _: int = 0) -> None:
        """Releases a note, by the key that played it, however notes are moved by now."""
        played = self._notes.pop(key, self._patch.played(key))
        self._send(mido.Message("note_off", note=played, velocity=round(velocity), channel=self._channel))

    def all_off(self) -> None:
        """Releases all notes."""
        for key in list(self._notes):
            self.release(key)
        self._send(mido.Message("control_change", control=_ALL_OFF, value=0, channel=self._channel))

    def bend(self, _: int, bend: float) -> None:
        """Bends the pitch, -1 to 1."""
        self._send(mido.Message("pitchwheel", pitch=round(bend * _BEND), channel=self._channel))

    def follow(self, _: Preset, __: Sequence[str]) -> None:
        """Sends controls whose values another one has changed, so that knobs with lights show them."""
        if self._out is None:
            return
        for number, target in self.controls.items():
            now = self._value(target)
            position = round(now * 127)
            if self._set.get(number) == now:
                self._fed[number] = position  # it was this control itself
            elif self._fed.get(number) != position:
                self._fed[number] = position
                self._send(mido.Message("control_change", control=number, value=position, channel=self._channel))

    def _send(self, message: mido.Message) -> None:
        if self._out is None:
            raise OptionError("there is no MIDI output: give --midi-out")
        self._out.send(message)


def live_server(
    listening: socket.socket,
    out: OscOut,
    *,
    synth: str = "dexed",
    folders: Sequence[Path] = (Path(),),
    library: Path | None = None,
    model: str | None = None,
    seed: int = 0,
    midi_out: MidiOut | None = None,
    channel: int = 0,
    sysex: bool = False,
    sysex_rate: float = RATE,
) -> LiveServer:
    """Puts live control together; `LiveServer.serve` then works.

    Args:
        listening: Where OSC comes in, see `opened_socket`.
        out: Where OSC goes.
        synth: Name of the engine.
        folders: Where files may be read and written.
        library: Preset library of the user; their own if None.
        model: Whose latent the audio space is, see `Travels`.
        seed: Of matches, variations and random presets.
        midi_out: Where notes, controls and SysEx go.
        channel: On which MIDI channel, 0 to 15.
        sysex: Whether a DX7 at the port is kept as the preset is.
        sysex_rate: Bytes of SysEx a second, at most.

    Returns:
        Its `targets["midi"]` is the `MidiDesk`, whose `receive` takes what comes in by MIDI.

    Raises:
        UnknownName: If there is no such synth.
        ModelError: If weights are damaged.
        OptionError: If the synth takes no SysEx, or an option is out of its range.
    """
    server = LiveServer(listening, out, AddressTable(engines[synth].space))
    worker = Background(server.mailbox, out.error)
    patch = LivePatch(synth, server, worker, tuple(folders), library, seed)
    travels = Travels(patch, model)
    sender = None
    if sysex:
        if midi_out is None:
            raise OptionError("sysex: needs a MIDI output: give --midi-out")
        port = midi_out

        def send(data: bytes) -> None:
            port.send(mido.Message.from_bytes(data))

        sender = SysexSender(send, channel=channel, rate=sysex_rate, tell=out.error)
        server.endings.append(sender.close)
    link = Dx7Link(patch, sender, library)
    desk = MidiDesk(server, patch, travels, link, out=midi_out, channel=channel)
    server.targets.update(patch=patch, travels=travels, sysex=link, midi=desk)
    server.followers += [link.follow, desk.follow]
    server.endings += [travels.stop_match, worker.close]
    return server
