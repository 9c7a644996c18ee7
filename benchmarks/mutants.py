"""Damaged files: bytes, headers, lengths, nesting and trees of values changed, cut, repeated and joined by chance."""

import io
import json
import random
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["mutant"]

NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32_767, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63, 2**64)
TEXTS = (
    "", "\0", "\x1b]0;title\x07", "a\nb", "\r", "\u202eabc", "\u2028", "\ufeff", "NaN", "-inf", "1e999", "../../x",
    "/dev/zero", "a" * 5_000, "9" * 5_000, "%s%n", "$x^2$", "|`<b>", "\ud800", "ｶﾀｶﾅ", "é",
)  # fmt: skip
WORDS = (*[text.encode("utf-8", "surrogatepass") for text in TEXTS], b"\xff\xfe", b"\xf0\x28", b"\xed\xa0\x80")
TOML_VALUES = (
    "1", "-1", "0.5", "nan", "inf", "1e999", "9" * 30, "9" * 5_000, "true", '"x"', '"\\u0000"', '"\\u001b[2J"', "[]",
    "[1]", '["a", 2]', "[[]]", "{}", "{a = 1}", "1979-05-27", "07:32:00", '""', "[" * 2_000, "[" * 40 + "]" * 40,
    "{a=" * 2_000, "'''" + "x" * 2_000 + "'''", "0x7fffffffffffffffffff", '"/dev/zero"', "[nan, inf]",
)  # fmt: skip

LARGEST = 2**22  # bytes of a mutant

Mutate = Callable[[random.Random, bytes], bytes]


def mutant(chance: random.Random, seeds: Sequence[bytes], shape: str) -> bytes:
    """Returns a damaged file.

    Args:
        chance: Decides everything.
        seeds: Whole files of the kind.
        shape: What such a file is made of: `"bytes"`, `"json"`, `"lines"`, `"toml"`, `"npz"`, `"npy"`,
            `"safetensors"`, `"sqlite"` or `"parquet"`. Half of the mutants are changed as such, so that they are whole
            on the outside; the others as any file.
    """
    data = chance.choice(seeds)
    known = SHAPES.get(shape)
    if known and chance.random() < 0.6:
        try:
            data = known(chance, data)
        except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError, sqlite3.Error):
            return _bytes(chance, data)  # this seed is of another shape
        if chance.random() < 0.7:
            return data
    if chance.random() < 0.06:
        return _splice(chance, data, chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        data = _bytes(chance, data[:LARGEST])
    return data


def _place(chance: random.Random, data: bytes) -> int:
    """Where to change something: as often in the first bytes, which are a header in most kinds, as anywhere."""
    end = len(data)
    if chance.random() < 0.5:
        end = min(end, chance.choice((16, 64, 200, 600)))
    return chance.randrange(end) if end else 0


def _bytes(chance: random.Random, data: bytes) -> bytes:
    """One change of any file."""
    place = _place(chance, data)
    size = chance.choice((1, 2, 3, 4, 8, 16, 100, 1_000))
    match chance.randrange(11):
        case 0:
            return data[:place]
        case 1:
            return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :] if data else b""
        case 2:
            return data[:place] + chance.randbytes(size) + data[place + size :]
        case 3:
            return data[:place] + data[place + size :]
        case 4:
            return data[: place + size] + data[place:]
        case 5:
            return data[:place] + data[place : place + size] * chance.choice((2, 10, 200)) + data[place + size :]
        case 6:
            return data + chance.choice((bytes(size), b"\xf7", b"\x1a", chance.randbytes(size), data))
        case 7:
            return data[:place] + chance.choice(WORDS) + data[place:]
        case 8:
            return _number_in_text(chance, data)
        case 9:
            return data[:place] + chance.choice((b"[", b"{", b'{"a":', b"(", b"<a>", b"a.")) * 2_000 + data[place:]
        case _:
            return _number(chance, data, place)


def _number(chance: random.Random, data: bytes, place: int) -> bytes:
    """Puts a number where a length or a count may be."""
    size = chance.choice((1, 2, 4, 4, 4, 8))
    place -= place % size if chance.random() < 0.7 else 0
    order = chance.choice(("little", "big"))
    old = int.from_bytes(data[place : place + size], order)
    number = chance.choice((*NUMBERS, len(data), old + 1, old - 1, old * 2, old // 2, -old))
    return data[:place] + (number % 256**size).to_bytes(size, order) + data[place + size :]


def _number_in_text(chance: random.Random, data: bytes) -> bytes:
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[:100_000]))
    if not found:
        return data[: len(data) // 2]
    span = chance.choice(found)
    text = chance.choice(
        (b"", b"9" * 5_000, b"1e999", b"NaN", b"-1", b"0", b"1.5", str(chance.choice(NUMBERS)).encode())
    )
    return data[: span.start()] + text + data[span.end() :]


def _splice(chance: random.Random, first: bytes, second: bytes) -> bytes:
    return first[: _place(chance, first)] + second[_place(chance, second) :]


def _value(chance: random.Random, old: Any) -> Any:
    """Another value in the place of one in a tree."""
    match chance.randrange(7):
        case 0:
            return chance.choice(TEXTS)
        case 1:
            return chance.choice((*NUMBERS, 1e308, float("nan"), float("inf"), 10**400, 0.5, -0.0))
        case 2:
            return chance.choice((None, True, False, [], {}, [[]], {"": None}))
        case 3:
            deep: Any = old
            for _ in range(chance.choice((3, 70, 900))):
                deep = [deep] if chance.random() < 0.5 else {"a": deep}
            return deep
        case 4:
            is_large = isinstance(old, dict | list) or len(str(old)) > 100
            return [old] * (2 if is_large else chance.choice((2, 1_000)))
        case 5:
            return old * -1 if isinstance(old, float | int) else [old]
        case _:
            return old[:-1] if isinstance(old, str | list) and old else str(old)


def _tree(chance: random.Random, tree: Any) -> Any:
    """One change somewhere in a tree of lists and tables, which is changed in its place."""
    root = [tree]
    parent: Any = root
    key: Any = 0
    # Down to a leaf, or less far: a table is changed itself, too.
    while isinstance(parent[key], dict | list) and parent[key] and chance.random() < 0.9:
        parent = parent[key]
        key = chance.choice(list(parent)) if isinstance(parent, dict) else chance.randrange(len(parent))
    if parent is root or chance.random() < 0.8:
        parent[key] = _value(chance, parent[key])
    elif isinstance(parent, list):
        del parent[key]
    else:
        old = parent.pop(key)
        if chance.random() < 0.5:
            parent[chance.choice(TEXTS)] = old
    return root[0]


def _json(chance: random.Random, data: bytes) -> bytes:
    tree = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        tree = _tree(chance, tree)
    return json.dumps(tree, ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass")


def _json_lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    lines[place] = _json(chance, lines[place])
    return b"\n".join(lines)


def _lines(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, chance.choice(lines))
        case 2:
            lines[place] = chance.choice(WORDS)
        case 3:
            words = lines[place].split(b" ")
            words[chance.randrange(len(words))] = chance.choice(WORDS)
            lines[place] = b" ".join(words)
        case _:
            lines *= chance.choice((2, 50))
    return b"\n".join(lines)


def _toml(chance: random.Random, data: bytes) -> bytes:
    lines = data.decode().split("\n")
    places = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    place = chance.choice(places)
    key, _, value = lines[place].partition("=")
    match chance.randrange(6):
        case 0:
            lines[place] = f"{key}.{chance.choice(('a', 'a.b', '.'.join('a' * 2_000)))} = {value}"
        case 1:
            lines.insert(place, chance.choice(lines))
        case 2:
            del lines[place]
        case _:
            lines[place] = f"{key}= {chance.choice(TOML_VALUES)}"
    return "\n".join(lines).encode()


def _npy(chance: random.Random, data: bytes) -> bytes:
    """Another header over an array, of the right length, so that it is believed."""
    end = 10 + struct.unpack_from("<H", data, 8)[0]
    head = data[10:end].decode("latin-1")
    rest = data[end:]
    match chance.randrange(4):
        case 0:
            head = re.sub(r"\(([^)]*)\)", lambda found: _shape(chance, found[1]), head, count=1)
        case 1:
            kind = chance.choice(
                ("|O", "<f8", ">f4", "<U4", "|V0", "<U0", "|S1000000000", "<i8", "|b1", "<c16", "M8[D]")
            )
            head = re.sub(r"'descr': '[^']*'", f"'descr': '{kind}'", head)
        case 2:
            head = head.replace("False", chance.choice(("True", "None", "[" * 300, "-" * 300, "1L")))
        case _:
            rest = rest[: chance.randrange(len(rest) + 1)]
    return data[:8] + struct.pack("<H", len(head.encode()) % 65_536) + head.encode("latin-1", "replace") + rest


def _shape(chance: random.Random, old: str) -> str:
    number = str(chance.choice(NUMBERS))
    return f"({chance.choice((number + ',', f'{number}, {old}', f'{old}, {number}', '', '0,', '-1,', '1, ' * 70))})"


def _npz(chance: random.Random, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as changed:
        parts = archive.namelist()
        chosen = chance.choice(parts)
        for name in parts:
            content = archive.read(name)
            if name != chosen:
                changed.writestr(name, content)
            elif chance.random() < 0.9:
                changed.writestr(name, _npy(chance, content) if chance.random() < 0.7 else _bytes(chance, content))
    return packed.getvalue()


def _safetensors(chance: random.Random, data: bytes) -> bytes:
    size = struct.unpack_from("<Q", data)[0]
    head = json.loads(data[8 : 8 + size])
    about = head.get("__metadata__", {})
    if about and chance.random() < 0.7:
        key = chance.choice(list(about))
        try:
            about[key] = _json(chance, about[key].encode()).decode("utf-8", "replace")
        except ValueError:
            about[key] = chance.choice(TEXTS).encode("utf-8", "replace").decode()
    else:
        head = _tree(chance, head)
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def _sqlite(chance: random.Random, data: bytes) -> bytes:
    """Another value in a row, or another table: whole for SQLite, and wrong for us."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        connection.execute("PRAGMA writable_schema = ON")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = chance.choice([name for name in tables if not name.startswith("sqlite_")])
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        value = chance.choice((None, 0, -1, 2**62, 1e308, b"\xff\0", chance.randbytes(40), "", *TEXTS[:-3]))
        match chance.randrange(8):
            case 0:
                connection.execute(f'DROP TABLE "{table}"')
            case 1:
                connection.execute(f"PRAGMA user_version = {chance.choice((0, 1, 3, -1))}")
            case 2:
                connection.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{chance.choice(columns)}" TO other')
            case 3:
                connection.execute(f'DELETE FROM "{table}" WHERE rowid % 2')
            case _:
                connection.execute(f'UPDATE OR IGNORE "{table}" SET "{chance.choice(columns)}" = ?', (value,))
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


def _parquet(chance: random.Random, data: bytes) -> bytes:
    """Another column, type or text about the table: whole for Arrow, and wrong for us."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    name = chance.choice(table.column_names)
    place = table.column_names.index(name)
    match chance.randrange(5):
        case 0:
            table = table.drop_columns([name])
        case 1:
            table = table.set_column(place, name, pa.nulls(len(table), table.schema.types[place]))
        case 2:
            table = table.set_column(place, name, pa.array([chance.choice(TEXTS[:-3])] * len(table)))
        case 3:
            about = {key: _json(chance, text) for key, text in (table.schema.metadata or {}).items()}
            table = table.replace_schema_metadata(about)
        case _:
            rows = table.to_pylist()
            for _ in range(3):
                _tree(chance, rows)
            table = pa.Table.from_pylist([row for row in rows if isinstance(row, dict)])
    packed = io.BytesIO()
    pq.write_table(table, packed)
    return packed.getvalue()


SHAPES: dict[str, Mutate] = {
    "json": _json,
    "json lines": _json_lines,
    "lines": _lines,
    "npy": _npy,
    "npz": _npz,
    "parquet": _parquet,
    "safetensors": _safetensors,
    "sqlite": _sqlite,
    "toml": _toml,
}
