"""The interface of what runs in a process of its own, and the messages it exchanges with its parent."""

import abc
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

__all__ = ["Answer", "Host", "begin", "receive", "send", "unframe"]


@dataclass(frozen=True)
class Answer:
    """What a host answers.

    Args:
        facts: What JSON can say.
        data: Anything else, such as samples as float32: bytes, or a view of bytes that holds until the next question.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | memoryview = b""


class Host(abc.ABC):
    """A kind of synth, as its host process knows it.

    Every question is put to an instrument as fresh as `load` returned it, whatever was asked before: synths
    remember phases, tails and the state of their chance, and nothing that they offer resets it all. So
    an instrument is thrown away with each answer, see `_fresh`.

    It may print, crash or hang: `HostProcess` sees to that. What it raises reaches the parent as an
    `EngineError` with the same words.

    Example:
        >>> # python -m patchflow.hosts NAME, then {"key": "value"} makes hosts[NAME](key="value")
    """

    @abc.abstractmethod
    def load(self, rate: int) -> Any:
        """Returns an instrument.

        Args:
            rate: Sample rate it will play at, in Hz.
        """

    @abc.abstractmethod
    def answer(self, instrument: Any, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers one question.

        Args:
            instrument: From `load`; it may be left in any state.
            what: The question, a word.
            arguments: What JSON can say.
            data: Anything else.
        """


_SIZES = struct.Struct("<II")


def begin(header: dict[str, Any], payload: bytes | memoryview = b"") -> bytes:
    """Returns what comes before the payload of a message.

    Args:
        header: What JSON can say.
        payload: Anything else, such as samples; a view of bytes.

    Example:
        >>> unframe(memoryview(begin({"rate": 44_100}, b"abc") + b"abc"))[0]
        {'rate': 44100}
    """
    text = json.dumps(header).encode()
    return _SIZES.pack(len(text), len(payload)) + text


def unframe(message: memoryview) -> tuple[dict[str, Any], memoryview]:
    """Returns header and payload of a whole message."""
    size, _ = _SIZES.unpack_from(message)
    start = _SIZES.size + size
    return json.loads(bytes(message[_SIZES.size : start])), message[start:]


def send(pipe: IO[bytes], header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Writes one message and sees that it is on its way."""
    pipe.write(begin(header, payload))
    if len(payload):
        pipe.write(payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Reads one message.

    Raises:
        EOFError: If the other side is gone.
    """
    header, payload = _SIZES.unpack(_exactly(pipe, _SIZES.size))
    return json.loads(_exactly(pipe, header)), _exactly(pipe, payload)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError("the other side is gone")
    return data
