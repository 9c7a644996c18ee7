"""The container of VST3 presets (`.vstpreset`) as bytes.

Numbers are little-endian. A list at the end says where each chunk lies: `Comp` is what the sound part of the plug-in
stores, `Cont` what its screen stores, `Info` a text about it, without which some hosts (Live) do not show the preset.
"""

import html
import re
import struct
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from ..errors import PresetError

__all__ = ["VstPreset", "class_id", "from_juce", "parse_vstpreset"]

_HEAD = struct.Struct("<4si32sq")  # magic, version, class, place of the list
_LIST = struct.Struct("<4si")
_ENTRY = struct.Struct("<4sqq")
_JUCE = b".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
_MOST = 128  # chunks; the format's own limit
_CLASS = re.compile(r"[0-9A-F]{32}")
_VALUES = re.compile(r'id="PatchflowValues"\s+value="([^"]*)"')
_VALUE = re.compile(r"(\d{1,6})=([01](?:\.\d{1,20})?|\d\.?\d{0,20}e-\d{1,3})")
_NAME = re.compile(r'id="Name"\s+value="([^"]*)"')


@dataclass(frozen=True)
class VstPreset:
    """One preset of a VST3 plug-in.

    Args:
        plugin: The plug-in's class id, 32 hexadecimal digits.
        component: What its sound part stores.
        controller: What its screen stores.
        name: What the preset is called.
        values: Indices and values of the plug-in's parameters, if patchflow wrote it: `Info` may hold anything, and
            plug-ins do not report to a host what a loaded preset holds.
        mended: What was wrong with the file it was read from, and was put right.
        sound: The whole of that file, put right.

    Example:
        >>> preset = VstPreset("0123456789ABCDEF" * 2, b"sound", b"screen", "Pluck & <Pad>")
        >>> parse_vstpreset(preset.pack()) == preset
        True
    """

    plugin: str
    component: bytes
    controller: bytes = b""
    name: str = ""
    values: tuple[tuple[int, float], ...] = ()
    mended: tuple[str, ...] = field(default=(), compare=False)
    sound: bytes = field(default=b"", compare=False, repr=False)

    def pack(self) -> bytes:
        """Returns the bytes of a `.vstpreset` file."""
        values = " ".join(f"{index}={value!r}" for index, value in self.values)
        info = (
            '<?xml version="1.0" encoding="utf-8"?>\n<MetaInfo>\n'
            '\t<Attribute id="MediaType" value="VstPreset" type="string" flags="writeProtected"></Attribute>\n'
            f'\t<Attribute id="Name" value={_attribute(self.name)} type="string" flags=""></Attribute>\n'
            f'\t<Attribute id="PatchflowValues" value="{values}" type="string" flags=""></Attribute>\n'
            "</MetaInfo>\n"
        ).encode()
        # All three are always written, even an empty `Cont`: Live's browser drops files without them.
        chunks = {b"Comp": self.component, b"Cont": self.controller, b"Info": info}
        place = _HEAD.size
        entries = b""
        for kind, data in chunks.items():
            entries += _ENTRY.pack(kind, place, len(data))
            place += len(data)
        head = _HEAD.pack(b"VST3", 1, self.plugin.encode(), place)
        return b"".join((head, *chunks.values(), _LIST.pack(b"List", len(chunks)), entries))


def parse_vstpreset(data: bytes) -> VstPreset:
    """Reads the content of a `.vstpreset` file.

    Raises:
        PresetError: If it is something else, cut off, or its places and sizes contradict each other.
    """
    if data[:4] != b"VST3":
        raise PresetError("not a VST3 preset: it does not begin with VST3")
    if len(data) < _HEAD.size:
        raise PresetError(f"cut off: {len(data)} bytes, and its header has {_HEAD.size}")
    _, version, plugin, place = _HEAD.unpack_from(data)
    mended = []
    if version < 1:
        raise PresetError(f"version={version}: of the container, not 1")
    if version > 1:
        mended.append(f"version={version} of the container is read as version 1")
    name = plugin.decode("latin-1").upper()
    if not _CLASS.fullmatch(name):
        raise PresetError(f"class id {name!r}: not 32 hexadecimal digits")
    found = _list_at(data, place)
    if found != place:
        mended.append(f"its list of chunks is at byte {found:,}, not at byte {place:,} where it is said to be")
    chunks, end = _chunks(data, found)
    if len(data) > end:
        mended.append(f"{len(data) - end:,} bytes follow its end, at byte {end:,}, and are left out")
    if b"Comp" not in chunks:
        others = ", ".join(kind.decode("latin-1") for kind in chunks)
        raise PresetError(f"it has no Comp chunk, which holds the sound, but {others or 'no chunk at all'}")
    info = chunks.get(b"Info", b"").decode("utf-8", "replace")
    named = _NAME.search(info)
    title = _printable(html.unescape(named[1] if named else ""))
    sound = _HEAD.pack(b"VST3", 1, plugin, found) + data[_HEAD.size : end]
    return VstPreset(
        plugin=name,
        component=chunks[b"Comp"],
        controller=chunks.get(b"Cont", b""),
        name=title,
        values=_values(info),
        mended=tuple(mended),
        sound=sound,
    )


def class_id(data: bytes) -> str:
    """Returns the class id of the plug-in that a VST3 preset is for, or "" if it is none.

    Example:
        >>> class_id(VstPreset("AB" * 16, b"").pack()), class_id(b"RIFF")
        ('ABABABABABABABABABABABABABABABAB', '')
    """
    name = data[8:40].decode("latin-1").upper()
    return name if data[:4] == b"VST3" and _CLASS.fullmatch(name) else ""


def from_juce(state: bytes, plugin: str) -> VstPreset:
    """Returns the preset in the state of a VST3 plug-in as the JUCE library stores it.

    Args:
        state: XML with the chunks as text.
        plugin: The plug-in's class id.
    """
    return VstPreset(plugin, _juce_part(state, b"IComponent"), _juce_part(state, b"IEditController"))


def _juce_part(state: bytes, name: bytes) -> bytes:
    """The bytes of one chunk; `b""` if there is none."""
    found = re.search(rb"<%b>(\d+)\.([^<]*)</%b>" % (name, name), state)
    if not found:
        return b""
    # JUCE's own base 64: the size in bytes, a dot, then six bits a letter, the lowest first (unlike RFC 4648).
    # Four letters are three bytes.
    size = int(found[1])
    letters = found[2]
    data = bytearray()
    for start in range(0, len(letters), 4):
        number = 0
        for place, letter in enumerate(letters[start : start + 4]):
            number |= _JUCE.index(letter) << 6 * place
        data += number.to_bytes(3, "little")
    return bytes(data[:size])


def _values(info: str) -> tuple[tuple[int, float], ...]:
    found = _VALUES.search(info)
    values = []
    for word in found[1].split() if found else ():
        pair = _VALUE.fullmatch(word)
        if not pair:
            raise PresetError("its Info chunk: PatchflowValues are not INDEX=VALUE with values in [0, 1]")
        values.append((int(pair[1]), float(pair[2])))
    return tuple(values)


def _list_at(data: bytes, place: int) -> int:
    """Where the list of chunks is: where it is said to be or, if it is not there, the last place that it can be."""
    if place >= _HEAD.size and data.startswith(b"List", place):
        return place
    last = data.rfind(b"List", _HEAD.size)
    if last >= 0 and len(data) >= last + _LIST.size:
        (_, count) = _LIST.unpack_from(data, last)
        if 0 < count <= _MOST and len(data) >= last + _LIST.size + count * _ENTRY.size:
            return last
    if not _HEAD.size <= place <= len(data) - _LIST.size:
        raise PresetError(f"cut off: its list of chunks is said to be at byte {place:,} of {len(data):,}")
    raise PresetError(f"its list of chunks is not at byte {place:,}, where it is said to be")


def _chunks(data: bytes, place: int) -> tuple[dict[bytes, bytes], int]:
    """The chunks by kind, and where the last of them or their list ends."""
    if len(data) < place + _LIST.size:
        raise PresetError(f"cut off: its list of chunks is said to be at byte {place:,} of {len(data):,}")
    _, count = _LIST.unpack_from(data, place)
    if not 0 <= count <= _MOST:
        raise PresetError(f"its list of chunks has {count:,} entries, not 0 to {_MOST}")
    first = place + _LIST.size
    end = first + count * _ENTRY.size
    if len(data) < end:
        raise PresetError(f"cut off in its list of {count} chunks")
    chunks: dict[bytes, bytes] = {}
    for i in range(count):
        kind, start, size = _ENTRY.unpack_from(data, first + i * _ENTRY.size)
        if start < _HEAD.size or size < 0 or start + size > len(data):
            raise PresetError(f"its chunk {kind!r} is said to be {size:,} bytes at byte {start:,} of {len(data):,}")
        chunks.setdefault(kind, data[start : start + size])  # of two of a kind, hosts take the first
        end = max(end, start + size)
    return chunks, end


def _attribute(text: str) -> str:
    """The text as the value of an XML attribute, always in double quotes."""
    # `quoteattr` would put a text with double quotes into single ones. An apostrophe in front,
    # which is cut off again, keeps it from that: then it writes double quotes as &quot;.
    quoted = quoteattr(f"'{_printable(text)}")
    return '"' + quoted[2:]


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
