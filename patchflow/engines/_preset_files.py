"""Reads, writes and converts preset files, also those that only the synth itself can read."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import EngineError, PatchflowError, PresetError
from ..presets import Preset, ReadReport, Rejected, check, read_presets, write_presets
from ..presets.files import format_of, owner
from ..progress import Progress, ProgressCallback, ignore
from ._engine import Engine
from ._engines import engines
from ._plugin.description_file import described, description_file, read_description
from ._subset import subset_files

__all__ = ["Converted", "convert_file", "load_presets", "save_presets", "unpacked"]


_BATCH = 64  # presets that a synth gets at once, between two calls for progress


def load_presets(
    path: str | os.PathLike[str],
    synth: str = "",
    *,
    strict: bool = False,
    made: dict[str, Engine] | None = None,
    progress: ProgressCallback = ignore,
) -> ReadReport:
    """Reads a preset file, and lets the synth read the values of its own presets.

    Args:
        path: A preset file of any format.
        synth: Which synth the presets are for; whose they are if "".
        strict: Reject what would have to be mended.
        made: Engines by name, used and added to: whoever reads many files then loads a plug-in once.
        progress: Called with the number of presets that the synth has read.

    Returns:
        The presets, with values, and the reasons why others were rejected.

    Raises:
        StorageError: If the file cannot be read.
        PresetError: If it is no preset file, or its synth is not known.
        EngineError: If the synth cannot be loaded.
    """
    found = read_presets(path, strict=strict)
    try:
        return unpacked(found, synth, made, progress)
    except PresetError as error:
        raise PresetError(f"{path}: {error}") from error


def save_presets(path: str | os.PathLike[str], presets: Sequence[Preset]) -> None:
    """Writes a preset file, whole or not at all; its extension says the format.

    Args:
        path: The file; an existing one is replaced.
        presets: At least one, complete and with allowed values.

    Raises:
        PresetError: If a preset does not fit the format, or no format has the extension.
        EngineError: If the synth cannot be loaded.
        StorageError: If the file cannot be written.
    """
    kind = format_of(path)
    if kind is not None and kind.single and len(presets) > 1:
        raise PresetError(f"{path}: a {kind.extensions[0]} file holds one preset, not {len(presets):,}")
    if kind is not None and kind.opaque:
        made: dict[str, Engine] = {}
        presets = [_engine(preset.synth, made).pack(preset) for preset in presets]
    if kind is not None and kind.synth:
        subsets = subset_files()
        presets = [engines[p.synth].whole(p) if p.synth in subsets else p for p in presets]
    write_presets(path, presets)


def unpacked(
    report: ReadReport,
    synth: str = "",
    made: dict[str, Engine] | None = None,
    progress: ProgressCallback = ignore,
) -> ReadReport:
    """Returns the presets of a report with their values, which of some only the synth itself can read.

    Args:
        report: From a file.
        synth: Which synth the presets are for; whose they are if "".
        made: See `load_presets`.
        progress: See `load_presets`.

    Raises:
        UnknownName: If there is no such synth.
        PresetError: If of none of them the synth is known, or is the one that was asked for.
        EngineError: If the synth cannot be loaded.
    """
    if synth and synth not in engines:
        raise engines.missing(synth)
    made = {} if made is None else made
    found: list[Preset | PatchflowError] = list(report.presets)
    opaque = _rows_to_unpack(report.presets, found, synth)
    total = sum(map(len, opaque.values()))
    done = 0
    for name, rows in opaque.items():
        for first in range(0, len(rows), _BATCH):
            batch = rows[first : first + _BATCH]
            known = _engine(name, made).unpack_all([report.presets[row] for row in batch])
            for row, preset in zip(batch, known, strict=True):
                found[row] = preset
            done += len(batch)
            progress(Progress("read", done, total, "presets"))

    presets: list[Preset] = []
    places: list[int] = []
    rejected = list(report.rejected)
    for place, preset, known in zip(report.places, report.presets, found, strict=True):
        if isinstance(known, Preset):
            presets.append(known)
            places.append(place)
        else:
            rejected.append(Rejected(place, str(known), preset.name))
    return replace(report, presets=tuple(presets), places=tuple(places), rejected=tuple(rejected))


def _rows_to_unpack(
    presets: Sequence[Preset], found: list[Preset | PatchflowError], synth: str
) -> dict[str, list[int]]:
    """The rows of presets whose values only a synth knows, by synth; in `found`, presets of none become errors."""
    opaque: dict[str, list[int]] = {}
    owners: dict[str, str | PresetError] = {}
    errors: list[PresetError] = []
    for row, preset in enumerate(presets):
        try:
            name = synth or preset.synth or _owner(preset, owners)
            _check_synth(preset, name)
        except PresetError as error:
            found[row] = error
            errors.append(error)
            continue
        if preset.synth != name:
            opaque.setdefault(name, []).append(row)
    # In an archive there may be presets of other plug-ins. A file of nothing else is not for this synth at all.
    if errors and len(errors) == len(found):
        raise errors[0]
    return opaque


def _check_synth(preset: Preset, name: str) -> None:
    if preset.synth not in ("", name) and preset.synth not in engines[name].relatives:
        raise PresetError(f"{preset.name or 'preset'}: is for {preset.synth!r}, not {name!r}")


def _engine(name: str, made: dict[str, Engine]) -> Engine:
    """The engine of a synth, made once: a plug-in takes long to load."""
    if name not in made:
        made[name] = engines[name]()
    return made[name]


def _owner(preset: Preset, known: dict[str, str | PresetError]) -> str:
    """The described synth that takes a preset; `known` has what was found before, by plug-in."""
    plugin = owner(preset.state)
    if plugin not in known:  # to read all descriptions takes long
        try:
            known[plugin] = _taker(plugin)
        except PresetError as error:
            known[plugin] = error
    found = known[plugin]
    if isinstance(found, PresetError):
        raise found
    return found


def _taker(plugin: str) -> str:
    """The described synth that a plug-in is."""
    takers = [name for name in described() if plugin and _id(description_file(name)) == plugin]
    if len(takers) > 1:
        raise PresetError(
            f"the synths {', '.join(takers)} take presets of the plug-in {plugin!r}. Choose with --synth."
        )
    if not takers:
        raise PresetError(
            f"is for the plug-in {plugin!r}, which no synth is known to be. "
            "Name the synth with --synth, or describe the plug-in: patchflow synth add PATH"
        )
    return takers[0]


def _id(path: Path) -> str:
    with suppress(EngineError):  # another synth's description may be wrong
        return read_description(path).id
    return ""


@dataclass(frozen=True)
class Converted:
    """The outcome of converting a preset file.

    Args:
        file: What was written.
        read: What was found in the file that was read.
        gaps: Places of that file, from 1, whose presets were not read.
        filler: Name of the fresh preset that these hold now; "" if the presets behind them have moved up.
    """

    file: Path
    read: ReadReport
    gaps: tuple[int, ...] = ()
    filler: str = ""


def convert_file(source: Path, target: Path, synth: str = "", *, strict: bool = False) -> Converted:
    """Reads a preset file and writes its presets into another, whole or not at all.

    In a format with numbered places presets keep theirs: where one was lost, a fresh one is written.

    Args:
        source: A preset file of any format.
        target: Where to, not the same file; its extension says the format.
        synth: Which synth the presets are for; whose they are if "".
        strict: Refuse a file with a preset that would have to be mended or left out.

    Raises:
        PresetError: If `source` is no preset file or has no good preset, or one does not fit the other format.
        EngineError: If a plug-in is needed and cannot be loaded.
        StorageError: If a file cannot be read or written.
    """
    # What does not fit the format, or was damaged, would be gone for good.
    with suppress(OSError):
        if source.samefile(target):
            raise PresetError(
                f"{source} and {target} are the same file. Write to another one, so that nothing is lost."
            )
    read = load_presets(source, synth)
    if strict and (read.rejected or read.mended):
        first, *others = (*read.rejected, *read.mended)
        more = f", and {len(others)} more like it" if others else ""
        raise PresetError(f"{source}: {first}{more}. Nothing was written; leave out --strict to convert it.")
    if not read.presets:
        reason = f": {read.rejected[0]}" if read.rejected else ""
        raise PresetError(f"{source}: no preset to convert{reason}")
    _check_values(source, read)
    gaps = tuple(sorted(set(range(1, read.count + 1)) - set(read.places)))
    kind = format_of(target)
    filler = kind.filler() if kind is not None else None
    presets = _in_places(read, filler) if filler else read.presets
    try:
        save_presets(target, presets)
    except PresetError as error:
        about = "" if str(target) in str(error) else f"{target}: "
        raise PresetError(f"{about}{error}") from error
    return Converted(target, read, gaps, filler.name if filler else "")


def _check_values(source: Path, read: ReadReport) -> None:
    """Makes sure that presets can be written: values in a JSON file may have been edited by hand."""
    for place, preset in zip(read.places, read.presets, strict=True):
        if preset.synth not in engines or not preset.values:
            continue
        try:
            check(preset, engines[preset.synth].space)
        except PatchflowError as error:
            raise PresetError(f"{source}: voice {place} {preset.name!r}: {error}") from error


def _in_places(read: ReadReport, filler: Preset) -> list[Preset]:
    """The presets of a file, each at its place."""
    presets = [filler] * read.count
    for place, preset in zip(read.places, read.presets, strict=True):
        presets[place - 1] = preset
    return presets
