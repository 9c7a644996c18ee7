"""The containers of VST2 presets: programs (`.fxp`) and banks (`.fxb`) as bytes.

All numbers are big-endian. A plug-in stores itself either as a chunk that only it understands or, if it
has none, as its parameters, one float each.
"""

import struct
from dataclasses import dataclass, replace

from ..errors import PresetError

__all__ = ["Program", "Vst2Bank", "parse_bank", "parse_program", "plugin_id", "program_of"]

_MAGIC = b"CcnK"
_CHUNK_PROGRAM = b"FPCh"
_PLAIN_PROGRAM = b"FxCk"
_CHUNK_BANK = b"FBCh"
_PLAIN_BANK = b"FxBk"
_KINDS = {
    _CHUNK_PROGRAM: "a preset",
    _PLAIN_PROGRAM: "a preset",
    _CHUNK_BANK: "a bank",
    _PLAIN_BANK: "a bank",
}
_HEAD = struct.Struct(">4sI4sI4sII")  # magic, size of all that follows, kind, version, plug-in, its version, count
_NAME = struct.Struct(">28s")
_FUTURE = 128  # bytes of a bank's header that are reserved
_SIZE = struct.Struct(">I")


@dataclass(frozen=True)
class Program:
    """One preset of a VST2 plug-in.

    Args:
        plugin: The plug-in's id, four letters.
        version: Of the plug-in.
        count: How many parameters it has.
        name: Up to 27 letters.
        content: The plug-in's chunk or, if `plain`, its parameters as big-endian floats.
        plain: Whether it has no chunk.

    Example:
        >>> program = Program("amsy", 1, 41, "Pluck", b"anything")
        >>> parse_program(program.pack()) == program
        True
    """

    plugin: str
    version: int
    count: int
    name: str
    content: bytes
    plain: bool = False

    def pack(self) -> bytes:
        """Returns the bytes of an `.fxp` file."""
        name = _NAME.pack(_letters(self.name))
        about = (self.plugin, self.version, self.count)
        if self.plain:
            return _frame(_PLAIN_PROGRAM, about, name + self.content)
        return _frame(_CHUNK_PROGRAM, about, name + _SIZE.pack(len(self.content)) + self.content)


@dataclass(frozen=True)
class Vst2Bank:
    """All presets of a VST2 plug-in.

    Args:
        plugin: The plug-in's id, four letters.
        version: Of the plug-in.
        count: How many programs it says it has.
        chunk: What the plug-in stores; empty for one that has `programs`.
        programs: The presets of a plug-in without a chunk.
    """

    plugin: str
    version: int
    count: int
    chunk: bytes = b""
    programs: tuple[Program, ...] = ()

    def pack(self) -> bytes:
        """Returns the bytes of an `.fxb` file."""
        reserved = bytes(_FUTURE)
        about = (self.plugin, self.version, self.count)
        if self.programs:
            content = b"".join(program.pack() for program in self.programs)
            return _frame(_PLAIN_BANK, about, reserved + content)
        return _frame(_CHUNK_BANK, about, reserved + _SIZE.pack(len(self.chunk)) + self.chunk)


def parse_program(data: bytes) -> Program:
    """Reads the content of an `.fxp` file.

    Raises:
        PresetError: If it is something else, cut off, or its sizes contradict each other.
    """
    kind, _, plugin, version, count = _head(data, (_CHUNK_PROGRAM, _PLAIN_PROGRAM))
    name = _text(_take(data, _HEAD.size, _NAME.size, "its name"))
    start = _HEAD.size + _NAME.size
    if kind == _CHUNK_PROGRAM:
        return Program(plugin, version, count, name, _chunk(data, start))
    content = _take(data, start, 4 * count, f"its {count:,} parameters")
    _refuse_rest(data, start + 4 * count)
    return Program(plugin, version, count, name, content, plain=True)


def parse_bank(data: bytes) -> Vst2Bank:
    """Reads the content of an `.fxb` file; see `parse_program`."""
    kind, _, plugin, version, count = _head(data, (_CHUNK_BANK, _PLAIN_BANK))
    _take(data, _HEAD.size, _FUTURE, "its header")
    start = _HEAD.size + _FUTURE
    if kind == _CHUNK_BANK:
        return Vst2Bank(plugin, version, count, _chunk(data, start))
    programs: list[Program] = []
    while start < len(data):
        try:
            program, start = _program_at(data, start)
        except PresetError as error:
            raise PresetError(f"its preset {len(programs) + 1}: {error}") from error
        programs.append(program)
    if len(programs) != count:
        raise PresetError(f"it says it has {count:,} presets, but there are {len(programs):,}")
    return Vst2Bank(plugin, version, count, programs=tuple(programs))


def plugin_id(data: bytes) -> str:
    """Returns the id of the plug-in that a program or bank is for, or "" if it is neither.

    Example:
        >>> plugin_id(Program("amsy", 1, 0, "", b"").pack()), plugin_id(b"RIFF")
        ('amsy', '')
    """
    if len(data) < _HEAD.size or data[:4] != _MAGIC or data[8:12] not in _KINDS:
        return ""
    return data[16:20].decode("latin-1")


def program_of(data: bytes, name: str = "") -> Program:
    """Returns the program in a program or bank, whichever `data` is.

    Args:
        data: The content of an `.fxp` or `.fxb` file; of a bank, the first program, which a fresh plug-in plays.
        name: What to call it; as it is called there if "".

    Raises:
        PresetError: If it is neither.
    """
    if data[8:12] in (_CHUNK_BANK, _PLAIN_BANK):
        bank = parse_bank(data)
        # The chunk of a bank goes into a program as it is: the plug-in that made it reads either.
        whole = Program(bank.plugin, bank.version, bank.count, "", bank.chunk)
        found = bank.programs[0] if bank.programs else whole
    else:
        found = parse_program(data)
    # through bytes and back, so that the name is what the file will hold
    return replace(found, name=_text(_NAME.pack(_letters(name)))) if name else found


def _frame(kind: bytes, about: tuple[str, int, int], body: bytes) -> bytes:
    plugin, version, count = about
    size = _HEAD.size - 8 + len(body)  # all that follows the size itself
    return _HEAD.pack(_MAGIC, size, kind, 1, plugin.encode("latin-1"), version, count) + body


def _head(data: bytes, kinds: tuple[bytes, ...]) -> tuple[bytes, int, str, int, int]:
    """Kind, version of the container, plug-in, its version, count."""
    if data[:4] != _MAGIC:
        raise PresetError("not a VST2 preset: it does not begin with CcnK")
    if len(data) < _HEAD.size:
        raise PresetError(f"cut off: {len(data)} bytes, and its header has {_HEAD.size}")
    _, size, kind, version, plugin, its_version, count = _HEAD.unpack_from(data)
    if kind not in kinds:
        raise PresetError(f"not {_KINDS[kinds[0]]}: {_KINDS.get(kind, f'of an unknown kind {kind!r}')}")
    if not 1 <= version <= 2:
        raise PresetError(f"version={version}: of the container, not in [1, 2]")
    if size and size + 8 > len(data):  # many hosts leave it at 0
        raise PresetError(f"cut off: it says it has {size + 8:,} bytes, but there are {len(data):,}")
    return kind, version, plugin.decode("latin-1"), its_version, count


def _program_at(data: bytes, start: int) -> tuple[Program, int]:
    kind, *_, count = _head_at(data, start)
    if kind != _PLAIN_PROGRAM:
        raise PresetError("has a chunk, in a bank without")
    end = start + _HEAD.size + _NAME.size + 4 * count
    return parse_program(_without_size(data[start:end])), end


def _head_at(data: bytes, start: int) -> tuple[bytes, int, str, int, int]:
    return _head(_without_size(data[start : start + _HEAD.size]), (_PLAIN_PROGRAM, _CHUNK_PROGRAM))


def _without_size(data: bytes) -> bytes:
    """A program inside a bank is measured by its parameters: hosts disagree about what its size counts."""
    return data[:4] + bytes(4) + data[8:] if len(data) >= 8 else data


def _chunk(data: bytes, start: int) -> bytes:
    (size,) = _SIZE.unpack(_take(data, start, _SIZE.size, "the size of its chunk"))
    start += _SIZE.size
    chunk = _take(data, start, size, f"its chunk of {size:,} bytes")
    _refuse_rest(data, start + size)
    return chunk


def _take(data: bytes, start: int, size: int, what: str) -> bytes:
    if len(data) < start + size:
        raise PresetError(f"cut off in {what}: {max(0, len(data) - start):,} of {size:,} bytes are there")
    return data[start : start + size]


def _refuse_rest(data: bytes, end: int) -> None:
    if len(data) > end:
        raise PresetError(f"{len(data) - end:,} bytes follow its end, at byte {end:,}")


def _letters(name: str) -> bytes:
    return name.encode("latin-1", "replace")[:27]


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0].decode("latin-1")
    return "".join(letter for letter in text if letter.isprintable()).strip()
