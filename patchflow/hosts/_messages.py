"""What a host and its parent say to each other: a JSON header, then bytes."""

import json
import struct
from typing import IO, Any

__all__ = ["begin", "receive", "send", "unframe"]

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
