"""LV2's files: statements in Turtle, and the presets in them."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urljoin

__all__ = [
    "LV2",
    "RDF",
    "RDFS",
    "Lv2Preset",
    "Statement",
    "Term",
    "applies_to",
    "by_subject",
    "read_lv2_presets",
    "read_turtle",
]

LV2 = "http://lv2plug.in/ns/lv2core#"
"""Where the words for plug-ins and ports are."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
"""Where the words of RDF itself are."""

RDFS = "http://www.w3.org/2000/01/rdf-schema#"
"""Where the words for names and further files are."""

_PSET = "http://lv2plug.in/ns/ext/presets#"
_STATE = "http://lv2plug.in/ns/ext/state#"
_XSD = "http://www.w3.org/2001/XMLSchema#"
# The short names that lilv leaves out where it writes a state as a text; what it writes comes from dawdreamer.
_SHORT = {
    "atom": "http://lv2plug.in/ns/ext/atom#",
    "lv2": LV2,
    "pset": _PSET,
    "rdf": RDF,
    "rdfs": RDFS,
    "state": _STATE,
    "xsd": _XSD,
}

_APPLIES = re.compile(rb"\n<>\n\ta pset:Preset ;\n\tlv2:appliesTo <([^>]*)>")
_NO_ADDRESS = re.compile(r"[\x00-\x20<>\"{}|^`\\]")
_DEEPEST = 64  # nodes in nodes
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CONTROLS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_LETTER = r"(?:[\w:-]|%[0-9a-f]{2}|\\[^\w\s])"  # of the part of a name behind its prefix
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|\#[^\n]*)
    |(?P<iri><(?:[^\x00-\x20<>"{{}}|^`\\]|\\u[0-9a-f]{{4}}|\\U[0-9a-f]{{8}})*>)
    |(?P<long>\"{{3}}(?:\"{{0,2}}(?:[^"\\]|\\.))*+\"{{3}}|'{{3}}(?:'{{0,2}}(?:[^'\\]|\\.))*+'{{3}})
    |(?P<text>"(?:[^"\\\n\r]|\\.)*+"|'(?:[^'\\\n\r]|\\.)*+')
    |(?P<order>@(?:prefix|base)\b|(?:prefix|base)(?=\s))
    |(?P<language>@[a-z]+(?:-[a-z0-9]+)*)
    |(?P<blank>_:\w(?:[\w.-]*[\w-])?)
    |(?P<number>[+-]?(?:\d+\.\d*(?=e)|\d*\.\d+|\d+)(?:e[+-]?\d+)?)
    |(?P<name>(?:[^\W\d_](?:[\w.-]*[\w-])?)?:(?:{_LETTER}(?:(?:{_LETTER}|\.)*{_LETTER})?)?)
    |(?P<word>(?:a|true|false)(?![\w:-]))
    |(?P<sign>\^\^|[.;,\[\]()])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


class Term(NamedTuple):
    """What a statement is about, or what it says.

    Args:
        kind: `"iri"` for an address, `"blank"` for a node without one, `"literal"` for a value.
        text: The address, the number of the node, or the value as it is written.
        type: Of a value, the address of its type, or `@` and its language; "" for a plain text.
    """

    kind: str
    text: str
    type: str = ""


Statement = tuple[Term, str, Term]
"""Subject, the address of a predicate, and object."""


def read_turtle(text: str, base: str = "", prefixes: Mapping[str, str] | None = None) -> list[Statement]:
    """Returns the statements of a text, in its order.

    The libraries that read Turtle are databases, or take longer to import than a command takes to answer; so this
    is a parser of its whole syntax. What serd makes of the files of all LV2 plug-ins at hand, it makes too.

    Args:
        text: The content of a file.
        base: The address of the file, to which the addresses in it are relative.
        prefixes: Short names that hold without being declared.

    Raises:
        ValueError: If it is not Turtle; the message names the line.

    References:
        https://www.w3.org/TR/turtle/

    Example:
        >>> read_turtle("@prefix a: <urn:a:> . a:b a:c 'd' .")
        [(Term(kind='iri', text='urn:a:b', type=''), 'urn:a:c', Term(kind='literal', text='d', type=''))]
    """
    parser = _Parser(text, base, dict(prefixes or {}))
    try:
        parser.read()
    except ValueError as error:
        line = text.count("\n", 0, parser.start) + 1
        raise ValueError(f"line {line}: {error}") from error
    return parser.found


def by_subject(statements: Sequence[Statement]) -> Mapping[Term, Mapping[str, list[Term]]]:
    """Returns all that is said of each subject: objects by the address of the predicate; none of what is not there."""
    found: defaultdict[Term, defaultdict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
    for subject, predicate, value in statements:
        found[subject][predicate].append(value)
    return found


@dataclass(frozen=True)
class Lv2Preset:
    """A preset of an LV2 plug-in.

    Args:
        plugin: The plug-in's address.
        values: Of ports, by symbol, in the plug-in's own units.
        name: What it is called.
        state: What the plug-in stores beside them, as it stands in a Turtle text, without short names; "" if nothing.
        elsewhere: Whether this is only a hint to another file.

    Example:
        >>> preset = Lv2Preset("urn:mine", {"cutoff": 0.5}, "Pluck")
        >>> read_lv2_presets(preset.pack()) == [preset]
        True
    """

    plugin: str
    values: Mapping[str, float]
    name: str = ""
    state: str = ""
    elsewhere: bool = False

    def pack(self) -> bytes:
        """Returns the content of a `.ttl` file, in which the preset has the file's own address."""
        heads = [f"@prefix {short}: <{_SHORT[short]}> .\n" for short in ("lv2", "pset", "rdfs", "state")]
        said = ["<>\n\ta pset:Preset", f"\tlv2:appliesTo {_written(Term('iri', self.plugin))}"]
        said.append(f"\trdfs:label {_text(self.name)}")
        ports = [f"\t\tlv2:symbol {_text(port)} ;\n\t\tpset:value {value!r}\n" for port, value in self.values.items()]
        if ports:
            said.append("\tlv2:port [\n" + "\t] , [\n".join(ports) + "\t]")
        if self.state:
            said.append(f"\tstate:state {self.state}")
        return ("".join(heads) + "\n" + " ;\n".join(said) + " .\n").encode()


def read_lv2_presets(data: bytes) -> list[Lv2Preset]:
    """Returns the presets that a Turtle text describes, in its order.

    Raises:
        ValueError: If it is not Turtle, or a value of a port is no number.
    """
    about = by_subject(read_turtle(data.decode("utf-8"), "file:///", _SHORT))
    found = []
    for subject in list(about):
        said = about[subject]
        if Term("iri", f"{_PSET}Preset") not in said[f"{RDF}type"]:
            continue
        label = next((value.text for value in said[f"{RDFS}label"]), "")
        values = {}
        for port in said[f"{LV2}port"]:
            symbol = next((value.text for value in about[port][f"{LV2}symbol"]), "")
            for value in about[port][f"{_PSET}value"]:
                values[symbol] = _number(symbol, value)
        plugin = next((value.text for value in said[f"{LV2}appliesTo"]), "")
        name = label or unquote(re.split("[/#:]", subject.text)[-1].removesuffix(".ttl"))
        state = next((_written(value, about) for value in said[f"{_STATE}state"]), "")
        elsewhere = not values and not state and bool(said[f"{RDFS}seeAlso"])
        found.append(Lv2Preset(plugin, values, name, state, elsewhere))
    return found


def applies_to(data: bytes) -> str:
    """Returns the address of the plug-in that `Lv2Preset.pack` wrote a preset for; "" if it did not.

    Example:
        >>> applies_to(Lv2Preset("urn:mine", {}).pack()), applies_to(b"RIFF")
        ('urn:mine', '')
    """
    found = data.startswith(b"@prefix lv2:") and _APPLIES.search(data, 0, 5_000)
    return found[1].decode() if found else ""


def _number(symbol: str, value: Term) -> float:
    with suppress(ValueError):
        number = float({"true": "1", "false": "0"}.get(value.text, value.text))
        if math.isfinite(number):
            return number
    raise ValueError(f"{symbol}={value.text[:40]!r}: not a number")


def _written(term: Term, about: Mapping[Term, Mapping[str, list[Term]]] | None = None, depth: int = 0) -> str:
    """A node with all that is said of it, without line breaks and short names; not if one is in itself."""
    if depth > _DEEPEST:
        raise ValueError(f"nodes in nodes, more than {_DEEPEST} deep")
    if term.kind == "iri":
        return f"<{_NO_ADDRESS.sub(lambda letter: f'{chr(92)}u{ord(letter[0]):04x}', term.text)}>"
    if term.kind == "literal":
        kind = term.type if term.type.startswith("@") else f"^^<{term.type}>"
        return _text(term.text) + (kind if term.type else "")
    parts = []
    for predicate, values in (about or {})[term].items():
        parts.append(f"<{predicate}> " + " , ".join(_written(value, about, depth + 1) for value in values))
    return f"[ {' ; '.join(parts)} ]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # whose escapes are Turtle's as well


class _Parser:
    """Takes token after token; `kind` and `word` are of the next one, `kind` is "" at the end."""

    def __init__(self, text: str, base: str, prefixes: dict[str, str]) -> None:
        self.found: list[Statement] = []
        self.start = 0
        self.kind = ""
        self.word = ""
        self._text = text.removeprefix("\ufeff")
        self._place = 0
        self._base = base
        self._prefixes = prefixes
        self._labels: dict[str, Term] = {}
        self._blanks = 0
        self._depth = 0

    def read(self) -> None:
        """Reads the whole text into `found`."""
        self._next()
        while self.kind:
            if self.kind == "order":
                self._order()
                continue
            alone = self.word == "["
            subject = self._node()
            # [ ... ] . is a whole statement; after any other subject something has to be said of it
            if not (alone and self.word == "."):
                self._say(subject)
            self._take(".")

    def _next(self) -> str:
        """Goes on to the next token and returns the word of the one before."""
        before = self.word
        self.kind = "space"
        while self.kind == "space":
            self.start = self._place
            match = _TOKEN.match(self._text, self._place)
            if match is None:
                if self._place < len(self._text):
                    raise ValueError(f"{self._text[self._place : self._place + 20]!r} is not Turtle")
                self.kind = ""
                self.word = ""
                break
            self.kind = match.lastgroup or ""
            self.word = match[0]
            self._place = match.end()
        return before

    def _take(self, sign: str) -> None:
        if self.kind != "sign" or self.word != sign:
            raise ValueError(f"{self.word[:40]!r} where {sign!r} has to be")
        self._next()

    def _order(self) -> None:
        """Takes a declaration: @prefix a: <...> . or, without a dot, PREFIX a: <...>; and the same of base."""
        word = self._next().lower()
        name = self._next() if word.endswith("prefix") else ""
        if word.endswith("prefix") and not name.endswith(":"):
            raise ValueError(f"{name[:40]!r} is no prefix")
        if self.kind != "iri":
            raise ValueError(f"{self.word[:40]!r} where an address has to be")
        address = self._address(self._next())
        if name:
            self._prefixes[name[:-1]] = address
        else:
            self._base = address
        if word.startswith("@"):
            self._take(".")

    def _say(self, subject: Term) -> None:
        """Takes predicates and objects, up to the end of the statement or node."""
        while True:
            while self.word == ";":
                self._next()
            if self.word in (".", "]"):
                return
            if self.word == "a":
                predicate = self._next() and f"{RDF}type"
            elif self.kind in ("iri", "name"):
                predicate = self._node().text
            else:
                raise ValueError(f"{self.word[:40]!r} where a predicate has to be")
            self.found.append((subject, predicate, self._node()))
            while self.word == ",":
                self._next()
                self.found.append((subject, predicate, self._node()))
            if self.word != ";":
                return

    def _node(self) -> Term:
        """Takes a subject or object."""
        kind = self.kind
        if kind == "sign" and self.word in ("[", "("):
            return self._nested()
        word = self._next()
        match kind:
            case "iri":
                return Term("iri", self._address(word))
            case "name":
                return Term("iri", self._spelt_out(word))
            case "blank":
                return self._labels.setdefault(word, self._new())
            case "long" | "text":
                size = 3 if kind == "long" else 1
                return self._typed(_unescaped(word[size:-size]))
            case "number":
                whole = "integer" if re.fullmatch(r"[+-]?\d+", word) else "decimal"
                return Term("literal", word, _XSD + ("double" if "e" in word.lower() else whole))
            case "word" if word != "a":
                return Term("literal", word.lower(), f"{_XSD}boolean")
        raise ValueError(f"{word[:40]!r} where a node has to be" if word else "it ends in a statement")

    def _nested(self) -> Term:
        """Takes a node without an address, or a list."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("nested too deep")
        if self._next() == "[":
            node = self._new()
            self._say(node)
            self._take("]")
        else:
            items = []
            while self.kind and self.word != ")":
                items.append(self._node())
            self._take(")")
            node = Term("iri", f"{RDF}nil")
            for item in reversed(items):
                rest = node
                node = self._new()
                self.found += [(node, f"{RDF}first", item), (node, f"{RDF}rest", rest)]
        self._depth -= 1
        return node

    def _typed(self, text: str) -> Term:
        """A text with the language or type that follows it."""
        if self.kind == "language":
            return Term("literal", text, self._next())
        if self.word == "^^":
            self._next()
            return Term("literal", text, self._node().text)
        return Term("literal", text)

    def _new(self) -> Term:
        self._blanks += 1
        return Term("blank", str(self._blanks))

    def _address(self, word: str) -> str:
        address = _unescaped(word[1:-1])
        return urljoin(self._base, address) if address or self._base else address

    def _spelt_out(self, word: str) -> str:
        prefix, _, rest = word.partition(":")
        if prefix not in self._prefixes:
            raise ValueError(f"{word[:40]!r}: the prefix {prefix + ':'!r} is not declared")
        return self._prefixes[prefix] + re.sub(r"\\(.)", r"\1", rest)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_letter, text) if "\\" in text else text


def _letter(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits and (int(digits, 16) > 0x10FFFF or 0xD800 <= int(digits, 16) < 0xE000):  # halves of pairs are none
        raise ValueError(f"\\u{digits} is no letter")
    if digits:
        return chr(int(digits, 16))
    return _CONTROLS.get(match[3], match[3])
