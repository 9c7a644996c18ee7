"""What `patchflow presets` prints: presets, and what became of an import."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from ..presets import Entry, Preset
from ..presets.library.intake import FileIntake
from ._console import print_json, say

__all__ = ["print_entries", "print_export", "print_intake", "print_preset", "print_removal", "print_tagged"]


def print_intake(files: Iterable[FileIntake], *, as_json: bool) -> int:
    """Prints problems to stderr as they come and a summary in the end; returns how many presets were imported."""
    done: list[FileIntake] = []
    problems: list[str] = []
    for file in files:
        for problem in file.problems:
            say(problem, err=True)
        for note in file.notes:
            say(f"{file.path}: {note}", err=True)
        done.append(file)
        problems.extend(file.problems)
    added = sum(file.added for file in done)
    merged = sum(file.merged for file in done)
    if as_json:
        print_json({"files": len(done), "added": added, "merged": merged, "problems": problems})
    else:
        say(f"{_count(added, 'new preset')}, {merged:,} already there{_losses(done)}")
    return added + merged


def print_entries(entries: Sequence[Entry], *, limit: int, as_json: bool) -> None:
    """Prints a line for each entry."""
    if len(entries) == limit:
        say(f"the first {limit:,}; more with --limit", err=True)
    if as_json:
        print_json([_facts(entry) for entry in entries])
        return
    rows = [_cells(entry) for entry in entries]
    columns = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    for row in rows:
        # A column that is empty in all rows is left out.
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        say("  ".join(cells).rstrip())


def print_preset(entry: Entry, preset: Preset, *, as_json: bool) -> None:
    """Prints all that is known of a preset: its labels, then its values, a group of parameters a line."""
    if as_json:
        print_json({**_facts(entry), "values": dict(preset.values)})
        return
    lines = [(key, str(value)) for key, value in _summary(entry).items()]
    for label in entry.labels:
        known = (label.name, label.category, label.author, ", ".join(label.tags), label.source)
        lines.append(("known as", "  ".join(filter(None, known))))
    for group, names in groupby(preset.values, key=_group):
        values = [f"{name.removeprefix(group + '.')}={_plain(preset.values[name])}" for name in names]
        lines.append((group, "  ".join(values)))
    for left, right in lines:
        if right:
            say(f"{left:<10}{right}")


def print_export(path: Path, count: int, *, as_json: bool) -> None:
    """Prints where presets were written to."""
    if as_json:
        print_json({"file": str(path), "presets": count})
    else:
        say(f"{path}  {_count(count, 'preset')}")


def print_removal(numbers: Sequence[int], *, as_json: bool) -> None:
    """Prints what was taken out."""
    if as_json:
        print_json({"removed": list(numbers)})
    else:
        say(f"removed {', '.join(map(str, numbers))}")


def print_tagged(count: int, *, as_json: bool) -> None:
    """Prints how many presets were described."""
    if as_json:
        print_json({"tagged": count})
    else:
        say(f"{_count(count, 'preset')} described")


def _losses(files: Sequence[FileIntake]) -> str:
    rejected = sum(len(file.rejected) for file in files)
    unread = sum(bool(file.error) for file in files)
    said = ""
    if rejected:
        said += f"; {rejected:,} rejected"
    if unread:
        said += f"; {_count(unread, 'file')} not read"
    return said


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _facts(entry: Entry) -> dict[str, Any]:
    return {**_summary(entry), "tags": entry.tags, "labels": [asdict(label) for label in entry.labels]}


def _summary(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("id", "name", "category", "author", "synth")}


def _cells(entry: Entry) -> list[str]:
    return [str(cell) for cell in _summary(entry).values()]


def _group(name: str) -> str:
    return name.partition(".")[0] if "." in name else ""


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
