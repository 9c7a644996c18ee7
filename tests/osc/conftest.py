"""Live control that runs, and somebody who sends to it and hears its answers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from patchflow.engines import engines
from patchflow.osc.midi import live_server
from patchflow.osc.server import LiveServer, OscOut, opened_socket
from patchflow.presets import Preset

__all__ = ["Live", "Wire", "live", "live_tone", "voices", "wire"]

PATIENCE = 10.0  # seconds


class Live:
    """A server in threads of its own, and a client of it."""

    def __init__(self, **options: Any) -> None:
        self._answers = opened_socket("127.0.0.1", 0)
        self._answers.settimeout(PATIENCE)
        out = OscOut("127.0.0.1", self._answers.getsockname()[1])
        listening = opened_socket("127.0.0.1", 0)
        try:
            self.server: LiveServer = live_server(listening, out, **options)
        except BaseException:
            for one in (self._answers, listening, out):
                one.close()
            raise
        self.desk = self.server.targets["midi"]
        self._client = SimpleUDPClient("127.0.0.1", self.server.port)
        self._thread = threading.Thread(target=self.server.serve)
        self._thread.start()
        self.wait("/params")  # what it says when it begins
        self.settle()

    @property
    def patch(self):
        return self.server.patch

    def send(self, path: str, *values: object) -> None:
        self._client.send_message(path, list(values))

    def send_bytes(self, data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, ("127.0.0.1", self.server.port))

    def answers(self) -> list[tuple[str, list]]:
        """All messages of the next packet."""
        packet = OscPacket(self._answers.recv(65_536))
        return [(timed.message.address, timed.message.params) for timed in packet.messages]

    def wait(self, path: str) -> list:
        """The arguments of the next answer at an address."""
        return next(values for answer, values in self.collect(path) if answer == path)

    def collect(self, path: str) -> list[tuple[str, list]]:
        """All answers up to the next packet with one at an address; an error is a failure but where it is wanted."""
        found: list[tuple[str, list]] = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            packet = self.answers()
            found += packet
            errors = [values for answer, values in packet if answer == "/error" != path]
            assert not errors, errors
            if any(answer == path for answer, _ in packet):
                return found
        raise AssertionError(f"{path} never came; what came: {found[-5:]}")

    def settle(self) -> list[tuple[str, list]]:
        """All answers until everything that was sent has been done."""
        self.send("/ping")
        return self.collect("/from_server")[:-1]

    def settle_quietly(self) -> None:
        """Waits until all is done, whatever went wrong before."""
        while "/from_server" not in dict(self.answers()):
            self.send("/ping")

    def stop(self) -> None:
        if self._thread.is_alive():
            self.server.stop()
        self._thread.join(PATIENCE)
        self._answers.close()
        self._client._sock.close()
        assert not self._thread.is_alive()


class Wire:
    """A MIDI output that keeps what is sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.times: list[float] = []

    def send(self, message: object) -> None:
        self.messages.append(message)
        self.times.append(time.monotonic())

    def close(self) -> None:
        pass

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.messages if message.type == kind]

    def wait_for(self, count: int, kind: str = "sysex") -> list[Any]:
        end = time.monotonic() + PATIENCE
        while len(self.of(kind)) < count:
            assert time.monotonic() < end, f"{len(self.messages)} messages came"
            time.sleep(0.005)
        return self.of(kind)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts live control; files are those of `tmp_path`, the library too."""
    started: list[Live] = []

    def start(**options: Any) -> Live:
        settings = {"folders": (tmp_path,), "library": tmp_path / "library.sqlite", "model": "none", **options}
        started.append(Live(**settings))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def live_tone(live: Callable[..., Live]) -> Live:
    """Live control of the smallest synth."""
    return live(synth="tone")


@pytest.fixture
def voices() -> list[Preset]:
    """Three DX7 voices that differ."""
    space = engines["dexed"].space
    init = space.decode(space.default())
    return [
        Preset("dexed", {**init, "algorithm": str(number), "feedback": number}, name=f"VOICE {number}")
        for number in (1, 2, 3)
    ]
