"""The page of a map: one HTML file with presets as points, their sounds and their files, that needs no server."""

import base64
import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ..errors import OptionError, PresetError, StorageError
from ..features.measures import MEASURES
from ..parsing import damage_named, json_value
from ..presets import Entry
from ..printable import json_line, printable
from ..progress import ProgressCallback, ignore
from ..storage import json_text, locked, make_folder, read_bytes, write_atomically, write_together
from .places import meanings, most_like, nearest, spread_out
from .played import SOUND_RATE, MapFiles, MapPlayer, PresetsOf, sounds_and_files
from .shelf import Shelf

__all__ = ["COLOURS", "MapReport", "colour_of", "map_columns", "write_map"]

COLOURS = ("category", "synth", "tag", "author", *(measure.name for measure in MEASURES))
"""What colours may stand for."""

_NEAR = 6  # presets that sound most like one, which the page names
_CAUTION = (
    "Presets that sound alike lie near each other. What lies near need not sound alike: two directions do not hold all "
    "that an ear tells apart, so the list of a preset's neighbours is made of all of them."
)
_LIST = "map-sounds.json"  # in a folder of sounds, the names of those that the map has written
_MODULES = ("pf-look", "pf-map-data", "pf-map-files", "pf-map-look", "pf-map-view", "pf-map")
_ABOUT_MEASURE = ("name", "low", "high", "unit", "shown", "meaning")
_WEB = Path(__file__).parent.parent / "web"


@dataclass(frozen=True)
class MapReport:
    """What became of a map.

    Args:
        path: The page.
        size: Of the page, in bytes.
        presets: How many are on it.
        silent: How many have no place, since they have no sound or no vector.
        sounds: How many have a sound of their own.
        files: How many have their preset file in the page.
        folder: Where the sounds are, if not in the page.
        failed: How many could not be read, played or written, for `why` the first of them could not.
    """

    path: Path
    size: int
    presets: int
    silent: int
    sounds: int
    files: int
    folder: Path | None = None
    failed: int = 0
    why: str = ""


def write_map(
    path: Path,
    shelf: Shelf,
    presets_of: PresetsOf,
    where: np.ndarray,
    *,
    colour: str = "category",
    title: str = "Presets by sound",
    sounds: int = 800,
    folder: bool = False,
    seconds: float = 1.6,
    progress: ProgressCallback = ignore,
) -> MapReport:
    """Writes a page with a map of presets.

    Where not every preset gets a sound, those that do are as far from each other as can be, and each of the others is
    heard as the one that is most like it; the page says so. What cannot be read, played or written is counted.

    Args:
        path: The file to write; its folder must exist.
        shelf: The presets.
        presets_of: Gives presets by their numbers, see `Shelf.numbers`, as far as they are there: `presets_called`.
        where: Their places, shape `(N, 2)`; rows with NaN are left out.
        colour: What colours stand for at first, one of `COLOURS`.
        title: What the page is called.
        sounds: How many presets get a sound of their own, about 11 kB each in the page.
        folder: Write the sounds as files into a folder beside the page.
        seconds: Length of a sound.
        progress: Called after every sound.

    Raises:
        OptionError: If `colour` is none.
        PresetError: If no preset has a place.
        StorageError: If something cannot be written.
    """
    colour_of(colour)
    rows = np.flatnonzero(np.isfinite(where).all(axis=1))
    if not len(rows):
        raise PresetError(f"no preset to show: {_why_none(len(shelf))}")
    shown = shelf.where(rows)
    wanted = spread_out(shown.vectors, len(rows) if folder else sounds) if sounds else np.zeros(0, int)
    with MapPlayer(seconds) as player:
        played, files = sounds_and_files(shown, presets_of, wanted.tolist(), player, progress)
    names = [f"{place:05d}.mp3" for place in range(len(played) if folder else 0)]
    beside = path.with_name(f"{path.stem}-sounds")
    content = {
        **_content(shown, where[rows], files),
        "sounds": _sounds(shown.vectors, played, [f"{quote(beside.name)}/{name}" for name in names]),
        "colour": colour_of(colour),
        "title": printable(title),
        "notes": _notes(len(rows), len(shelf) - len(rows), len(played), len(files.failed), folder),
    }
    page = _page(content, [] if folder else played.values(), files.data).encode("utf-8")
    if folder:
        _write_sounds(beside, dict(zip(names, played.values(), strict=True)))
    write_atomically(path, page)
    return MapReport(
        path, len(page), len(rows), len(shelf) - len(rows), len(played), sum(map(bool, files.data)),
        beside if folder else None, len(files.failed), next(iter(files.failed.values()), ""),
    )  # fmt: skip


def colour_of(name: str) -> str | int:
    """Returns what a page calls something that colours may stand for: a field, or the column of an attribute.

    Raises:
        OptionError: If there is none of the name.

    Example:
        >>> colour_of("synth"), colour_of("brightness")
        ('synth', 0)
    """
    if name not in COLOURS:
        raise OptionError(f"colour={name}: not one of {', '.join(COLOURS)}")
    columns = [measure.name for measure in MEASURES]
    return columns.index(name) if name in columns else name


def map_columns(shown: Shelf, where: np.ndarray) -> dict[str, Any]:
    """Returns what a map shows as plain columns, a value for each preset; texts that come again as numbers.

    Args:
        shown: The presets.
        where: Their places, shape `(N, 2)`, without NaN.
    """
    entries = list(shown.entries)
    fields: dict[str, Any] = {}
    for field, plural in (("category", "categories"), ("synth", "synths")):
        values = [printable(getattr(entry, field)) for entry in entries]
        names = list(dict.fromkeys(values))
        number = {name: place for place, name in enumerate(names)}
        fields |= {field: [number[value] for value in values], plural: names}
    tags = _tags(entries)
    measures = np.where(np.isfinite(shown.measures), shown.measures.astype(float).round(4), np.inf)
    columns = {measure.name: _or_null(measures[:, column]) for column, measure in enumerate(MEASURES)}
    about = [_about(measure) for measure in MEASURES]
    axes = [_axis(meaning) for meaning in meanings(where, shown.measures)]
    return {
        "count": len(entries),
        "keys": shown.numbers(np.arange(len(shown))),
        "names": [printable(entry.name) for entry in entries],
        "x": where[:, 0].round(4).tolist(),
        "y": where[:, 1].round(4).tolist(),
        **fields,
        "tags": tags["names"],
        "tag": tags["of"],
        "measures": columns,
        "about": about,
        "meanings": [axis and MEASURES[axis["measure"]].name for axis in axes],
        "directions": [axis and axis["sign"] for axis in axes],
    }


def _or_null(values: np.ndarray) -> list[float | None]:
    return [None if np.isinf(value) else value for value in values.tolist()]


def _content(shown: Shelf, where: np.ndarray, files: MapFiles) -> dict[str, Any]:
    """What `MapData` and `MapPresets` read."""
    entries = list(shown.entries)
    names = [entry.synth for entry in entries]
    return {
        "names": [printable(entry.name) for entry in entries],
        "numbers": shown.numbers(np.arange(len(shown))),
        "places": _base64(where, np.float32),
        "synths": _coded(names),
        "categories": _coded([entry.category for entry in entries]),
        "authors": _coded([entry.author for entry in entries]),
        "tags": _tags(entries),
        **_measures(shown.measures),
        "axes": [_axis(meaning) for meaning in meanings(where, shown.measures)],
        "near": _base64(nearest(shown.vectors, _NEAR), np.uint32),
        "presets": {
            "starts": _base64(_joined_base64(files.data)[1], np.uint32),
            "endings": [files.endings[synth] for synth in dict.fromkeys(names)],
            "fillers": {ending: base64.b64encode(data).decode() for ending, data in files.fillers.items()},
        },
    }


def _sounds(vectors: np.ndarray, played: Mapping[int, bytes], addresses: Sequence[str]) -> dict[str, Any]:
    """What `MapSounds` reads: where each sound is, and which one is heard for a preset."""
    rows = list(played)
    return {
        "rate": SOUND_RATE,
        "of": _base64(most_like(vectors, rows), np.int32),
        "presets": _base64(np.array(rows), np.uint32),
        "starts": None if addresses else _base64(_joined_base64(played.values())[1], np.uint32),
        "files": list(addresses) or None,
    }


def _coded(values: Sequence[str]) -> dict[str, Any]:
    """Texts that come again and again: each once, and which one each preset has."""
    place = {value: number for number, value in enumerate(dict.fromkeys(values))}
    codes = np.array([place[value] for value in values])
    return {"names": [printable(value) for value in place], "of": _base64(np.minimum(codes, 65_534), np.uint16)}


def _tags(entries: Sequence[Entry]) -> dict[str, Any]:
    """The tags, the most frequent first, and the numbers of each preset's, in that order."""
    counts: dict[str, int] = {}
    for entry in entries:
        for tag in entry.tags:
            counts[tag] = counts.get(tag, 0) + 1
    ordered = sorted(counts, key=lambda tag: (-counts[tag], tag))
    place = {tag: number for number, tag in enumerate(ordered)}
    numbers = [sorted(map(place.__getitem__, entry.tags)) for entry in entries]
    return {"names": [printable(tag) for tag in ordered], "of": numbers}


def _measures(values: np.ndarray) -> dict[str, Any]:
    """The attributes, each in 65,535 steps from its least to its most; the last step means that it is not known."""
    steps = np.full(values.shape, 65_535, np.uint16)
    described = []
    for column, measure in enumerate(MEASURES):
        known = np.isfinite(values[:, column])
        least = float(values[known, column].min()) if known.any() else 0.0
        most = float(values[known, column].max()) if known.any() else 0.0
        scale = 65_534 / (most - least) if most > least else 0.0
        steps[known, column] = np.round((values[known, column] - least) * scale).astype(np.uint16)
        described.append({**_about(measure), "least": least, "most": most})
    return {"measures": described, "values": _base64(steps, np.uint16)}


def _about(measure: Any) -> dict[str, str]:
    return {name: getattr(measure, name) for name in _ABOUT_MEASURE}


def _axis(meaning: Any) -> dict[str, Any] | None:
    return meaning and {"measure": meaning.measure, "sign": 1 if meaning.correlation > 0 else -1}


def _base64(values: np.ndarray, kind: type) -> str:
    """Numbers as the page reads them: little-endian, in base64."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).tobytes()).decode()


def _joined_base64(parts: Any) -> tuple[str, np.ndarray]:
    """Each part in base64, one behind the other, and where each begins and the last ends: it can be cut out alone."""
    texts = [base64.b64encode(part).decode() for part in parts]
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)])
    return "".join(texts), starts


def _write_sounds(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the sounds into a folder; those of an earlier map that this one does not have go, and nothing else.

    Raises:
        StorageError: If a file that no map has written is in the way, or something cannot be written.
    """
    make_folder(folder)
    with locked(folder):
        kept = folder / _LIST
        own: list[str] = []
        if kept.exists():
            data = read_bytes(kept)
            with damage_named(kept, hint="Remove the folder: it is made again"):
                own = [name for name in json_value(data.decode())["sounds"] if re.fullmatch(r"\d{5}\.mp3", name)]
        foreign = [name for name in files if name not in own and (folder / name).exists()]
        if foreign:
            raise StorageError(f"{folder / foreign[0]}: not of a map. Move it, or call the page otherwise.")
        listed = json_text({"sounds": list(files)}).encode()
        write_together(folder, {**files, _LIST: listed}, gone=[name for name in own if name not in files])


def _notes(shown: int, left_out: int, sounds: int, failed: int, folder: bool) -> list[str]:
    """What a page says of itself."""
    found = [_CAUTION]
    if 0 < sounds < shown:
        found.append(f"{sounds:,} of {shown:,} presets have a sound of their own; the others are heard as the nearest.")
    if left_out:
        found.append(f"{left_out:,} presets without a sound are left out.")
    if failed:
        found.append(f"{failed:,} presets could not be played or written when this page was made.")
    if folder:
        found.append("The sounds lie in the folder beside this page; move both together.")
    return [*found, "Made by patchflow."]


def _why_none(count: int) -> str:
    if not count:
        return "there are none"
    return "the only one is silent" if count == 1 else f"all {count:,} are silent"


def _page(content: Mapping[str, Any], sounds: Collection[bytes], presets: Collection[bytes]) -> str:
    """The whole page. Names are data: nothing of them can end the element that they are in."""
    text = json_line(json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    text = text.replace("<", "\\u003c").replace("&", "\\u0026")
    parts = {
        "title": html.escape(content["title"]),
        "data": text,
        "sounds": _joined_base64(sounds)[0],
        "presets": _joined_base64(presets)[0],
        "code": _code(),
    }
    page = (_WEB / "map.html").read_text("utf-8")
    # All in one go: what was put in is not looked through for the next.
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], page)


def _code() -> str:
    """The modules as one script: a page that is opened as a file may load no other."""
    parts = []
    for name in _MODULES:
        code = (_WEB / f"{name}.js").read_text("utf-8")
        code = re.sub(r"^import \{[^}]*\} from \"[^\"]+\";\n", "", code, flags=re.M)
        code = re.sub(r"^export \{[^}]*\};\n", "", code, flags=re.M)
        parts.append(re.sub(r"^export (?=class|const|function|async)", "", code, flags=re.M))
    return "\n".join(parts).replace("</script", "<\\/script")
