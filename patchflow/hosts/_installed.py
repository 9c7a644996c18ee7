"""Plug-ins as they lie on disk: where, under which names and addresses; and what their libraries do at the edges."""

import ctypes
import mmap
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlparse

from ..errors import EngineError, StorageError
from ..lv2 import LV2, RDF, RDFS, Statement, Term, by_subject, read_turtle
from ..storage import read_bytes

__all__ = [
    "LV2_FOLDERS",
    "Lv2Plugin",
    "Port",
    "bundle_plugins",
    "explain",
    "find_lv2",
    "found_by_name",
    "is_uri",
    "keep_instances",
    "plain_name",
]

_NAME = "http://usefulinc.com/ns/doap#name"
_TYPE = f"{RDF}type"
_LARGEST = 16 * 2**20  # bytes of a description; the largest at hand has 1 MB
_MOST = 5_000  # entries of a folder that are looked at

_SUFFIX = re.compile(r"[-_ ]?(vst[23i]?|lv2)$")
_URI = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)  # of two letters or more: C: is a drive

LV2_FOLDERS = ("~/.lv2", "/usr/lib/lv2", "/usr/local/lib/lv2")
"""Where dawdreamer looks for LV2 plug-ins, whatever `LV2_PATH` says."""

# where installers put the others
_VST_FOLDERS = {
    "linux": ("~/.vst", "~/.vst3", "/usr/lib/vst", "/usr/lib/vst3", "/usr/local/lib/vst", "/usr/local/lib/vst3"),
    "darwin": (
        *(f"~/Library/Audio/Plug-Ins/{kind}" for kind in ("VST", "VST3", "Components")),
        *(f"/Library/Audio/Plug-Ins/{kind}" for kind in ("VST", "VST3", "Components")),
    ),
    "win32": (r"C:\Program Files\Common Files\VST3", r"C:\Program Files\VSTPlugins"),
}
_VST_ENDINGS = (".so", ".vst3", ".vst", ".dll", ".component")


@dataclass(frozen=True)
class Port:
    """A parameter of an LV2 plug-in.

    Args:
        symbol: Its name in presets.
        name: Its name for people.
        low: Smallest value, in the plug-in's own unit.
        high: Largest value.
        of_rate: Whether both are shares of the sample rate.
    """

    symbol: str
    name: str
    low: float = 0.0
    high: float = 1.0
    of_rate: bool = False


@dataclass(frozen=True)
class Lv2Plugin:
    """An LV2 plug-in, as its bundle describes it.

    Args:
        address: Its URI.
        bundle: Its folder.
        name: Its name for people; "" if it has none.
        binary: Its program library; None if the bundle names none.
        instrument: Whether it calls itself an instrument.
        needs: What it requires of a host, as addresses.
        ports: Its parameters, in its own order.
    """

    address: str
    bundle: Path
    name: str = ""
    binary: Path | None = None
    instrument: bool = False
    needs: tuple[str, ...] = ()
    ports: tuple[Port, ...] = field(default=(), repr=False)


def is_uri(plugin: str) -> bool:
    """Returns whether this names an LV2 plug-in, which is found by its address.

    Example:
        >>> is_uri("urn:50m30n3:plugins:SO-404"), is_uri("/usr/lib/vst/amsynth_vst.so"), is_uri("C:/mine.dll")
        (True, False, False)
    """
    return bool(_URI.match(plugin)) and not Path(plugin).exists()


def plain_name(plugin: str) -> str:
    """Returns the name for the synth of a plug-in, from its file or address.

    Example:
        >>> plain_name("/usr/lib/vst/amsynth_vst.so"), plain_name("http://synthv1.sourceforge.net/lv2")
        ('amsynth', 'synthv1')
        >>> plain_name("urn:50m30n3:plugins:SO-404"), plain_name("http://drobilla.net/plugins/mda/EPiano")
        ('so-404', 'epiano')
    """
    if is_uri(plugin):
        # the last word that says more than what kind of plug-in it is; the host only by its first label
        rest = plugin.partition(":")[2]
        words = re.split(r"[/#:]", rest.removeprefix("//"))
        if rest.startswith("//"):
            words[0] = words[0].removeprefix("www.").partition(".")[0]
    else:
        file = re.split(r"[/\\]", plugin.rstrip("/\\"))[-1]
        words = [file.rpartition(".")[0] or file]
    for word in reversed(words):
        short = _SUFFIX.sub("", word.rpartition("#")[2].lower())
        name = re.sub(r"[^a-z0-9_-]+", "-", short).strip("-_")[:40]
        if name:
            return name
    return "synth"


def bundle_plugins(folder: Path) -> tuple[Lv2Plugin, ...]:
    """Returns the plug-ins of an LV2 bundle, by address.

    Args:
        folder: Has a `manifest.ttl`; no other file is read that this does not name.

    Raises:
        EngineError: If the manifest cannot be read, or is not Turtle.
    """
    try:
        known = _manifest(folder)
    except (StorageError, ValueError) as error:
        raise EngineError(f"{folder}: not an LV2 bundle that can be read: {error}") from error
    return tuple(_plugin(address, folder, known) for address in sorted(_addresses(known)))


def find_lv2(address: str) -> Lv2Plugin | None:
    """Returns the installed LV2 plug-in of an address; None if there is none."""
    for folder in _bundles():
        with suppress(StorageError, ValueError):
            known = _manifest(folder)
            if address in _addresses(known):
                return _plugin(address, folder, known)
    return None


def found_by_name(name: str, *, closely: bool = True) -> tuple[str, ...]:
    """Returns files and addresses of installed plug-ins that are called so; none of them is loaded.

    Args:
        name: As `plain_name` makes it of a file, an address or a bundle, or as an LV2 plug-in calls itself, or the
            first word of that. Case, spaces and signs do not count.
        closely: Whether to look into all files of bundles for what plug-ins call themselves, which takes seconds.
    """
    wanted = _letters(name)
    found = [str(file) for file in _vst_files() if _letters(plain_name(str(file))) == wanted]
    bundles = list(_bundles())
    for folder in bundles:
        with suppress(StorageError, ValueError):
            addresses = sorted(_addresses(_manifest(folder)))
            called = [address for address in addresses if _letters(plain_name(address)) == wanted]
            alone = len(addresses) == 1 and _letters(plain_name(folder.name)) == wanted
            found += addresses if alone else called
    if found or not closely:
        return tuple(found)
    for folder in bundles:
        with suppress(EngineError):
            for plugin in bundle_plugins(folder):
                first = plugin.name.partition(" ")[0]
                if wanted in (_letters(plugin.name), _letters(first) if plugin.instrument else ""):
                    found.append(plugin.address)
    return tuple(found)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _entries(variables: Sequence[str], usual: Sequence[str]) -> Iterator[Path]:
    """What is in the folders that variables of the environment name, and in the usual ones."""
    names: list[str] = []
    for variable in variables:
        names += filter(None, os.environ.get(variable, "").split(os.pathsep))
    for name in dict.fromkeys((*names, *usual)):
        with suppress(OSError, RuntimeError):  # not there, not to be read, or of a user without a home
            yield from sorted(Path(name).expanduser().iterdir())[:_MOST]


def _bundles() -> Iterator[Path]:
    return (entry for entry in _entries(("LV2_PATH",), LV2_FOLDERS) if (entry / "manifest.ttl").is_file())


def _vst_files() -> Iterator[Path]:
    entries = _entries(("VST_PATH", "VST3_PATH"), _VST_FOLDERS.get(sys.platform, ()))
    return (entry for entry in entries if entry.suffix.lower() in _VST_ENDINGS)


@lru_cache(maxsize=1024)
def _manifest(folder: Path) -> tuple[Statement, ...]:
    return tuple(_statements(folder / "manifest.ttl"))


def _statements(file: Path) -> list[Statement]:
    return read_turtle(read_bytes(file, _LARGEST).decode("utf-8", "replace"), file.absolute().as_uri())


def _addresses(statements: Sequence[Statement]) -> set[str]:
    plugin = Term("iri", f"{LV2}Plugin")
    return {
        subject.text
        for subject, predicate, value in statements
        if predicate == _TYPE and value == plugin and subject.kind == "iri"
    }


def _plugin(address: str, bundle: Path, manifest: Sequence[Statement]) -> Lv2Plugin:
    """What the manifest and the files that it names say of a plug-in."""
    subject = Term("iri", address)
    # of the others in a manifest there may be thousands, such as presets
    statements = [each for each in manifest if each[0] == subject or each[0].kind == "blank"]
    for value in by_subject(statements)[subject][f"{RDFS}seeAlso"]:
        file = _file(value)
        # what is damaged or far away says nothing
        if file is not None and file.parent == bundle.absolute():
            with suppress(StorageError, ValueError):
                statements += _apart(_statements(file), str(file))
    about = by_subject(statements)
    own = about[subject]
    binaries = [file for file in map(_file, own[f"{LV2}binary"]) if file is not None]
    types = {value.text for value in own[_TYPE]}
    ports = [about[port] for port in own[f"{LV2}port"]]
    ports.sort(key=lambda port: _number(port, "index", 0.0))
    return Lv2Plugin(
        address=address,
        bundle=bundle,
        name=next((value.text for value in own[_NAME]), ""),
        binary=binaries[0] if binaries else None,
        instrument=f"{LV2}InstrumentPlugin" in types,
        needs=tuple(value.text for value in own[f"{LV2}requiredFeature"]),
        ports=tuple(_port(port) for port in ports if _is_parameter(port)),
    )


def _apart(statements: Sequence[Statement], file: str) -> Iterator[Statement]:
    """Statements whose nodes without an address are not taken for those of another file."""

    def told(term: Term) -> Term:
        return term._replace(text=f"{file} {term.text}") if term.kind == "blank" else term

    for subject, predicate, value in statements:
        yield told(subject), predicate, told(value)


def _file(value: Term) -> Path | None:
    """The file that an address is of, or None if it is of none."""
    parsed = urlparse(value.text)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else None


def _is_parameter(port: Mapping[str, list[Term]]) -> bool:
    types = {value.text for value in port[_TYPE]}
    return {f"{LV2}InputPort", f"{LV2}ControlPort"} <= types


def _port(port: Mapping[str, list[Term]]) -> Port:
    properties = {value.text for value in port[f"{LV2}portProperty"]}
    switch = f"{LV2}toggled" in properties
    return Port(
        symbol=next((value.text for value in port[f"{LV2}symbol"]), ""),
        name=next((value.text for value in port[f"{LV2}name"]), ""),
        low=0.0 if switch else _number(port, "minimum", 0.0),
        high=1.0 if switch else _number(port, "maximum", 1.0),
        of_rate=f"{LV2}sampleRate" in properties,
    )


def _number(port: Mapping[str, list[Term]], word: str, otherwise: float) -> float:
    for value in port[f"{LV2}{word}"]:
        with suppress(ValueError):
            return float(value.text)
    return otherwise


_ELF = b"\x7fELF"
_MACHINES = {3: "32-bit x86", 40: "32-bit ARM", 62: "x86_64", 183: "ARM64", 243: "RISC-V"}
_ENTRIES = (b"VSTPluginMain", b"GetPluginFactory", b"lv2_descriptor")


def explain(plugin: str) -> str:
    """Returns why a plug-in could not be loaded, in words, as far as its files show.

    Args:
        plugin: Its path or LV2 address.

    Example:
        >>> explain("/nowhere/at_all.so")
        'there is no such file'
    """
    if is_uri(plugin):
        return _explain_lv2(plugin)
    path = Path(plugin)
    if not path.exists():
        return "there is no such file"
    if path.is_dir():
        return "this folder is no plug-in that can be loaded here"
    head = path.read_bytes()
    if sys.platform == "linux":
        if head[:4] != _ELF:
            return "not a plug-in: not a program library of this system"
        its_machine = _machine(head[:20])
        this_machine = _machine(Path(sys.executable).read_bytes()[:20])
        if this_machine != its_machine:
            return f"made for {its_machine}, and this computer is {this_machine}"
    if not any(entry in head for entry in _ENTRIES):
        return "not a plug-in: it has no entry for hosts, such as VSTPluginMain"
    return _fault_of_library(path) or "the plug-in refused to start"


def _explain_lv2(address: str) -> str:
    plugin = find_lv2(address)
    if plugin is None:
        return "no LV2 plug-in with this address is installed"
    if plugin.binary is None or not plugin.binary.is_file():
        return f"its bundle {plugin.bundle} has no program library for this system"
    fault = _fault_of_library(plugin.binary)
    if fault:
        return f"no host can load it here, it needs a newer build: {plugin.binary}: {fault}"
    return f"the plug-in refused to start; it requires {', '.join(plugin.needs) or 'nothing'} of its host"


def _fault_of_library(path: Path) -> str:
    """What the system says if it cannot load a library, such as which other one is missing; "" if it can."""
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def _machine(head: bytes) -> str:
    """What an ELF file runs on."""
    order = "big" if head[5:6] == b"\x02" else "little"
    number = int.from_bytes(head[18:20], order)
    return _MACHINES.get(number, f"machine {number}")


class _Descriptor(ctypes.Structure):
    """`LV2_Descriptor` of lv2core."""

    _names = ("instantiate", "connect_port", "activate", "run", "deactivate", "cleanup", "extension_data")
    _fields_ = [("URI", ctypes.c_char_p), *((name, ctypes.c_void_p) for name in _names)]


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _kept(_: object) -> None:
    pass


def keep_instances(binary: Path, address: str) -> None:
    """Has no instance of an LV2 plug-in freed, until the process ends.

    dawdreamer makes four instances of a plug-in one after the other, and frees each when it has the next. What synthv1
    and padthv1 free then is used by all instances, so the last one crashes.
    """
    if sys.platform != "linux":
        return
    try:
        library = ctypes.CDLL(str(binary))
        library.lv2_descriptor.restype = ctypes.POINTER(_Descriptor)
    except (OSError, AttributeError):  # then it cannot be loaded either, or has another entry
        return
    number = 0
    while found := library.lv2_descriptor(number):
        number += 1
        if found.contents.URI.decode() == address:
            # it may lie on pages that are read only after the library was linked
            start = ctypes.addressof(found.contents)
            first = start - start % mmap.PAGESIZE
            size = start + ctypes.sizeof(_Descriptor) - first
            protect = ctypes.CDLL(None).mprotect
            protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            if protect(first, size, mmap.PROT_READ | mmap.PROT_WRITE) == 0:
                found.contents.cleanup = ctypes.cast(_kept, ctypes.c_void_p).value
            return
