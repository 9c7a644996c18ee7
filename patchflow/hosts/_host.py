"""The interface of a host, which runs in its own process, and its messages with its parent."""

import abc
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

__all__ = ["Answer", "Host", "frame_message", "receive", "send", "unframe_message"]


@dataclass(frozen=True)
class Answer:
    """The answer of a host.

    Args:
        facts: JSON-serialisable facts, by name.
        data: Raw bytes, such as samples as float32; a view of bytes is valid until the next question only.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | memoryview = b""


class Host(abc.ABC):
    """A kind of synth, as its host process knows it.

    Every question should be answered by an instrument as fresh as `load` returned it, whatever was asked before: synths
    remember phases, tails and the state of their random generators, and nothing that they offer resets it all. So
    an instrument is thrown away with each answer. Only with `"reuse"`, where speed matters more, one instrument
    answers all questions; see `_fresh`.

    It may print, crash or hang: `HostProcess` handles that. What it raises reaches the parent as an `EngineError`
    while an instrument is loaded, and as a `RenderError` later, with the synth's name in front of the message.

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
            arguments: JSON-serialisable arguments, by name.
            data: Raw bytes, such as a preset.
        """


# A message: two sizes, a header in JSON, a payload of bytes. Samples as JSON would be several times larger.
_SIZES = struct.Struct("<II")


def frame_message(header: dict[str, Any], payload: bytes | memoryview = b"") -> bytes:
    """Returns what comes before the payload of a message.

    Args:
        header: JSON-serialisable facts, by name.
        payload: Raw bytes, such as samples; or a view of bytes.

    Example:
        >>> unframe_message(memoryview(frame_message({"rate": 44_100}, b"abc") + b"abc"))[0]
        {'rate': 44100}
    """
    text = json.dumps(header).encode()
    return _SIZES.pack(len(text), len(payload)) + text


def unframe_message(message: memoryview) -> tuple[dict[str, Any], memoryview]:
    """Returns header and payload of a whole message."""
    size, _ = _SIZES.unpack_from(message)
    start = _SIZES.size + size
    return json.loads(bytes(message[_SIZES.size : start])), message[start:]


def send(pipe: IO[bytes], header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Writes one message and flushes the pipe."""
    # in two calls: joined, a second of samples would be copied once more
    pipe.write(frame_message(header, payload))
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
