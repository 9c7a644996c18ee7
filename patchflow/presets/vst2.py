"""The containers of VST2 presets: programs (`.fxp`) and banks (`.fxb`) as bytes.

All numbers are big-endian. A plug-in stores itself either as a chunk that only it understands or, if it
has none, as its parameters, one float each.
"""

import math
import re
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ..errors import PresetError

__all__ = ["Program", "Vst2Bank", "decode_text", "is_exact", "parse_bank", "parse_program", "plugin_id", "program_of"]

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
_NEWEST = 2  # version of the container
_KANA = re.compile("[\u3040-\u30ff]")
_UNUSED = b"\x81\x8d\x8f\x90\x9d"  # in Windows' code page 1252


@dataclass(frozen=True)
class Program:
    """One preset of a VST2 plug-in.

    Args:
        plugin: The plug-in's id, four letters.
        version: Of the plug-in.
        count: How many parameters it has.
        name: Up to 27 bytes in UTF-8.
        content: The plug-in's chunk or, if `plain`, its parameters as big-endian floats.
        plain: Whether it has no chunk.
        place: In its bank, from 1.
        mended: What was wrong with its file, or its part of the file, and was put right.

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
    place: int = field(default=1, compare=False)
    mended: tuple[str, ...] = field(default=(), compare=False)

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
        lost: Why presets are not in `programs`, by their places from 1.
        mended: What was wrong with the file and was put right.
    """

    plugin: str
    version: int
    count: int
    chunk: bytes = b""
    programs: tuple[Program, ...] = ()
    lost: Mapping[int, str] = field(default_factory=dict)
    mended: tuple[str, ...] = field(default=(), compare=False)

    def pack(self) -> bytes:
        """Returns the bytes of an `.fxb` file."""
        reserved = bytes(_FUTURE)
        about = (self.plugin, self.version, self.count)
        if self.programs:
            content = b"".join(program.pack() for program in self.programs)
            return _frame(_PLAIN_BANK, about, reserved + content)
        return _frame(_CHUNK_BANK, about, reserved + _SIZE.pack(len(self.chunk)) + self.chunk)


def parse_program(data: bytes) -> Program:
    """Reads the content of an `.fxp` file, as hosts do: by its chunk or count, whatever size it gives for itself.

    Raises:
        PresetError: If it is something else or cut off.
    """
    program, end = _program_at(data, 0)
    return replace(program, mended=(*program.mended, *_frame_faults(data, end)))


def parse_bank(data: bytes) -> Vst2Bank:
    """Reads the content of an `.fxb` file; see `parse_program`."""
    kind, plugin, version, count = _head(data, 0, (_CHUNK_BANK, _PLAIN_BANK))
    start = _HEAD.size + _FUTURE
    _take(data, _HEAD.size, _FUTURE, "its header")
    if kind == _CHUNK_BANK:
        part = _chunk(data, start)
        return Vst2Bank(plugin, version, count, part.content, mended=(*part.mended, *_frame_faults(data, part.end)))

    programs: list[Program] = []
    lost: dict[int, str] = {}
    place = 0
    while start < len(data) and (place < count or data.startswith(_MAGIC, start)):
        place += 1
        try:
            program, start = _program_at(data, start)
        except PresetError as error:
            # The next program is where the next magic is, if this one only lies about its own length.
            lost[place] = str(error)
            start = data.find(_MAGIC, start + 1) if data.find(_MAGIC, start + 1) >= 0 else len(data)
        else:
            programs.append(replace(program, place=place))
    if not programs:
        raise PresetError(f"it has no whole preset: {lost[1]}" if lost else "it has no presets")
    faults = [] if place == count else [f"it says it has {count:,} presets, but there are {place:,}"]
    faults += _frame_faults(data, start)
    return Vst2Bank(plugin, version, count, b"", tuple(programs), lost, tuple(faults))


def is_exact(data: bytes, mended: Sequence[str]) -> bool:
    """Returns whether a program or bank can go to a host as it is: JUCE takes version 1 of the container only."""
    return not mended and _SIZE.unpack_from(data, 12) == (1,)


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
    return replace(found, name=_text(_letters(name)), place=1) if name else replace(found, place=1)


def _frame(kind: bytes, about: tuple[str, int, int], body: bytes) -> bytes:
    plugin, version, count = about
    size = _HEAD.size - 8 + len(body)  # all that follows the size itself
    return _HEAD.pack(_MAGIC, size, kind, 1, plugin.encode("latin-1"), version, count) + body


def _head(data: bytes, start: int, kinds: tuple[bytes, ...]) -> tuple[bytes, str, int, int]:
    """Kind, plug-in, its version, count."""
    if not data.startswith(_MAGIC, start):
        raise PresetError("not a VST2 preset: it does not begin with CcnK")
    if len(data) < start + _HEAD.size:
        raise PresetError(f"cut off: {len(data) - start} bytes, and its header has {_HEAD.size}")
    _, _, kind, version, plugin, its_version, count = _HEAD.unpack_from(data, start)
    if kind not in kinds:
        raise PresetError(f"not {_KINDS[kinds[0]]}: {_KINDS.get(kind, f'of an unknown kind {kind!r}')}")
    if version > _NEWEST:
        raise PresetError(f"version={version}: of the container, not in [1, {_NEWEST}]")
    return kind, plugin.decode("latin-1"), its_version, count


def _program_at(data: bytes, start: int) -> tuple[Program, int]:
    """The program that begins at a byte, and where it ends; its own size is ignored, for hosts disagree about it."""
    kind, plugin, version, count = _head(data, start, (_CHUNK_PROGRAM, _PLAIN_PROGRAM))
    name = _text(_take(data, start + _HEAD.size, _NAME.size, "its name"))
    first = start + _HEAD.size + _NAME.size
    if kind == _CHUNK_PROGRAM:
        part = _chunk(data, first, to_end=start == 0)
    else:
        part = _parameters(data, first, count, alone=start == 0)
        count = len(part.content) // 4
    return Program(plugin, version, count, name, part.content, kind == _PLAIN_PROGRAM, mended=part.mended), part.end


@dataclass(frozen=True)
class _Part:
    """What a program or bank stores, where that ends, and what was wrong with it."""

    content: bytes
    end: int
    mended: tuple[str, ...] = ()


def _chunk(data: bytes, start: int, *, to_end: bool = True) -> _Part:
    """A chunk; if its size is 0 and it is the last thing in the file (`to_end`), all that follows."""
    field = _take(data, start, _SIZE.size, "the size of its chunk")
    (size,) = _SIZE.unpack(field)
    start += _SIZE.size
    there = len(data) - start
    swapped = int.from_bytes(field, "little")
    if not size and there and to_end:
        return _Part(data[start:], len(data), (f"its chunk is said to have 0 bytes, and has {there:,}",))
    if size > there and 0 < swapped <= there:
        end = start + swapped
        return _Part(data[start:end], end, ("the size of its chunk has its lowest byte first",))
    return _Part(_take(data, start, size, f"its chunk of {size:,} bytes"), start + size)


def _parameters(data: bytes, start: int, count: int, *, alone: bool) -> _Part:
    """The parameters of a program without chunk; `alone` in a file, they may be fewer than it says."""
    mended = ()
    there = len(data) - start
    # A file that is as long as it says is whole: then its count is wrong.
    whole = alone and _size_of(data) == len(data) - 8
    if whole and there and there < 4 * count and not there % 4:
        mended = (f"it says it has {count:,} parameters, and has {there // 4:,}",)
        count = there // 4
    content = _take(data, start, 4 * count, f"its {count:,} parameters")
    for number, (value,) in enumerate(struct.iter_unpack(">f", content), 1):
        if not math.isfinite(value):
            raise PresetError(f"parameter {number} (byte {start + 4 * number - 4}) is {value}: not a finite number")
    return _Part(content, start + 4 * count, mended)


def _size_of(data: bytes) -> int:
    return _SIZE.unpack_from(data, 4)[0]


def _frame_faults(data: bytes, end: int) -> list[str]:
    """What is wrong with the size that a file gives, and with what follows its end."""
    faults = []
    size = _size_of(data)
    if size not in (0, end - 8, len(data) - 8):  # many hosts leave it at 0
        faults.append(f"its size is given as {size:,} bytes, and is {end - 8:,}")
    if len(data) > end:
        faults.append(f"{len(data) - end:,} bytes follow its end, at byte {end:,}, and are left out")
    return faults


def _take(data: bytes, start: int, size: int, what: str) -> bytes:
    if len(data) < start + size:
        raise PresetError(f"cut off in {what}: {max(0, len(data) - start):,} of {size:,} bytes are there")
    return data[start : start + size]


def _letters(name: str) -> bytes:
    """A name in UTF-8, as JUCE writes it, or in Latin-1 if it fits only so; cut before the letter that does not fit."""
    with suppress(UnicodeEncodeError):
        short = name.encode("cp1252")
        if len(short) < _NAME.size <= len(name.encode()) and decode_text(short) == name:
            return short
    return name.encode("utf-8", "replace")[: _NAME.size - 1].decode("utf-8", "ignore").encode()


def _text(raw: bytes) -> str:
    return "".join(letter for letter in decode_text(raw.partition(b"\0")[0]) if letter.isprintable()).strip()


def decode_text(raw: bytes) -> str:
    """Returns a text of which no program says how its letters are coded: in UTF-8, Shift-JIS or Windows' Latin-1.

    Example:
        >>> [decode_text("Größe".encode(code)) for code in ("utf-8", "latin-1")], decode_text("シンセ".encode("cp932"))
        (['Größe', 'Größe'], 'シンセ')
    """
    # A name that fills its field may be cut in the middle of a letter.
    for end in (len(raw), *range(len(raw) - 1, len(raw) - 4, -1)) if len(raw) >= _NAME.size - 1 else (len(raw),):
        with suppress(UnicodeDecodeError):
            text = raw[:end].decode("utf-8")
            if end == len(raw) or not text.isascii():
                return text
    # Almost any bytes are Shift-JIS too, but only Japanese has kana.
    with suppress(UnicodeDecodeError):
        japanese = raw.decode("cp932")
        if _KANA.search(japanese):
            return japanese
    return "".join(bytes([byte]).decode("cp1252" if byte not in _UNUSED else "latin-1") for byte in raw)
