"""What `patchflow presets` and `search` print: presets, hits, and what became of an import."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted
from ._console import ProgressBar, print_json, say

# what is printed was made elsewhere: a list of presets must not load the ear and with it torch
if TYPE_CHECKING:
    from ..browse import Hit, Listened, Meaning
    from ..engines import Engine
    from ..presets import Entry, Preset
    from ..presets.library import Hint, Restored
    from ..presets.library.intake import FileIntake
    from ..presets.library.repair import Rescue

__all__ = [
    "print_entries",
    "print_export",
    "print_hints",
    "print_hits",
    "print_intake",
    "print_listened",
    "print_preset",
    "print_removal",
    "print_rescue",
    "print_restored",
    "print_tagged",
]


def print_intake(files: "Iterable[FileIntake]", bar: ProgressBar, *, verbose: bool, as_json: bool) -> int:
    """Prints problems to stderr as they come and a summary in the end.

    Args:
        files: What became of each.
        bar: Is hidden while something is printed.
        verbose: Whether to print everything that was mended, and every note; else one of each kind.
        as_json: Whether the summary is JSON.

    Returns:
        How many presets were imported.
    """
    done: list[FileIntake] = []
    try:
        for file in files:
            said = list(file.problems)
            if verbose:
                said += _findings(file)
            if said:
                with bar.hidden():
                    for text in said:
                        say(text, err=True)
            done.append(file)
    except KeyboardInterrupt:
        bar.stop()
        count = _count(sum(file.added for file in done), "new preset")
        raise Interrupted(f"interrupted: {count} of {_count(len(done), 'file')} kept. Import again to go on.") from None
    bar.stop()
    if not verbose:
        for text in _one_of_each(list(chain.from_iterable(map(_findings, done)))):
            say(text, err=True)
    _print_totals(done, as_json=as_json)
    return sum(file.added + file.merged for file in done)


def _print_totals(done: "Sequence[FileIntake]", *, as_json: bool) -> None:
    added = sum(file.added for file in done)
    merged = sum(file.merged for file in done)
    counted = sum((file.passed_over for file in done), Counter[str]())
    passed_over = dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
    if as_json:
        facts = {
            "files": sum(not file.path.is_dir() for file in done),
            "added": added,
            "merged": merged,
            "problems": list(chain.from_iterable(file.problems for file in done)),
            "mended": [f"{file.path}: {fault}" for file in done for fault in file.mended],
            "passed_over": passed_over,
        }
        print_json(facts)
        return
    if passed_over:
        kinds = [f"{number:,} {kind}" for kind, number in passed_over.items()]
        say(f"passed over: {', '.join(kinds)}", err=True)
    say(f"{_count(added, 'new preset')}, {merged:,} already there{_losses(done)}")


def _findings(file: "FileIntake") -> list[str]:
    """What was mended in a file, and what else there is to know."""
    return [f"{file.path}: {finding}" for finding in (*file.mended, *file.notes)]


def _one_of_each(findings: Sequence[str]) -> list[str]:
    """The first of each kind, with the number of the others: they differ in numbers and names alone."""
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        kinds.setdefault(_VARYING.sub("", finding.partition(": ")[2]), []).append(finding)
    said = []
    for alike in kinds.values():
        more = f" (and {len(alike) - 1:,} more like it; --verbose names each)" if len(alike) > 1 else ""
        said.append(alike[0] + more)
    return said


# A preset's number and name, texts in quotes, and numbers.
_VARYING = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[-+]?\d[\d,.]*""")


def print_entries(entries: "Sequence[Entry]", *, limit: int, as_json: bool) -> None:
    """Prints a line for each entry."""
    if len(entries) == limit:
        say(f"the first {limit:,}; more with --limit", err=True)
    if as_json:
        print_json([_facts(entry) for entry in entries])
        return
    _print_columns([_cells(entry) for entry in entries])


def _print_columns(rows: Sequence[Sequence[str]]) -> None:
    columns = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    for row in rows:
        # A column that is empty in all rows is left out.
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        say("  ".join(cells).rstrip())


_MOST_UNKNOWN = 10  # words that are named


def print_hits(hits: "Sequence[Hit]", words: "Meaning | None", *, limit: int, as_json: bool) -> None:
    """Prints a line for each hit, the best first: number, name, category, synth, where it is, how well it fits and why.

    Args:
        hits: What was found.
        words: What was understood of the words; None if there were none.
        limit: How many were asked for.
        as_json: Whether to print JSON.
    """
    if as_json:
        understood = None if words is None else words.text()
        unknown = [] if words is None else list(words.unknown)
        remarks = [] if words is None else list(words.remarks)
        facts = {"understood": understood, "unknown": unknown, "remarks": remarks}
        print_json({**facts, "hits": [_hit_facts(hit) for hit in hits]})
        return
    if words is not None:
        if words.text():
            say(f"understood as {words.text()}", err=True)
        for remark in words.remarks:
            say(remark, err=True)
        unknown = list(dict.fromkeys(words.unknown))
        if unknown:
            more = f" and {len(unknown) - _MOST_UNKNOWN:,} more" if len(unknown) > _MOST_UNKNOWN else ""
            named = ", ".join(map(repr, unknown[:_MOST_UNKNOWN]))
            say(f"not understood, so looked for in names, tags and files: {named}{more}", err=True)
    if len(hits) == limit:
        say(f"the best {limit:,}; more with --limit", err=True)
    rows: list[list[str]] = []
    for hit in hits:
        entry = hit.entry
        place = "embedded bank" if hit.origin == "bank" else "library"
        score = "" if hit.nearness is None and hit.fit is None else f"{hit.score:.0%}"
        if any(one.distance is not None for one in hits):  # they are sorted by that, and it is in the reason
            score = ""
        rows.append([hit.number, entry.name, entry.category, entry.author, entry.synth, place, score, hit.reason])
    _print_columns(rows)


def _hit_facts(hit: "Hit") -> dict[str, Any]:
    facts = _facts(hit.entry)
    scores = {name: getattr(hit, name) for name in ("score", "nearness", "fit", "distance", "reason")}
    return {"number": hit.number, "in": hit.origin, **scores, **facts}


def print_listened(done: "Listened", *, as_json: bool) -> None:
    """Prints how many presets were listened to."""
    if as_json:
        print_json(asdict(done))
    elif done.elsewhere:
        say(
            "another process listens to this library; patchflow presets listen does what it leaves",
            err=True,
        )
    else:
        say(f"listened to {_count(done.count, 'preset')}")


def print_hints(hints: "Sequence[Hint]") -> None:
    """Prints to stderr why a search found nothing."""
    for hint in hints:
        say(str(hint), err=True)
    if not hints:
        say("no preset has all of this at once", err=True)


def print_preset(
    entry: "Entry", preset: "Preset", engine: "type[Engine] | None", texts: Mapping[str, str], *, as_json: bool
) -> None:
    """Prints all that is known of a preset: its labels, then its values, a group of parameters a line.

    Args:
        entry: What is known of it.
        preset: Its values.
        engine: Its synth, which knows groups; None if it is not there.
        texts: What the synth shows for values, see `Engine.texts`.
        as_json: Whether to print JSON, which has the values alone.
    """
    if as_json:
        print_json({**_facts(entry), "values": dict(preset.values)})
        return
    lines = [(key, str(value)) for key, value in _summary(entry).items()]
    for label in entry.labels:
        known = (label.name, label.category, label.author, ", ".join(label.tags), label.source)
        lines.append(("known as", "  ".join(filter(None, known))))
    values: dict[str, list[str]] = {}
    groups = _groups(engine)
    for name, value in preset.values.items():
        group = groups.get(name, _group(name))
        text = texts.get(name) or _plain(value)
        values.setdefault(group, []).append(f"{name.removeprefix(group + '.')}={text}")
    for group, shown in values.items():
        lines.append((group or "values", "  ".join(shown)))
    lines = [(left, right) for left, right in lines if right]
    width = max(len(left) for left, _ in lines) + 2
    for left, right in lines:
        say(f"{left:<{max(width, _LEFT)}}{right}")


_LEFT = 10  # letters that the column with what it is has at least


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
        say(f"removed {', '.join(map(str, numbers))}. To bring back: patchflow presets undo")


def print_restored(presets: "Sequence[Restored]", *, as_json: bool) -> None:
    """Prints what was brought back."""
    if as_json:
        print_json({"restored": [asdict(preset) for preset in presets]})
        return
    if not presets:
        say("nothing to bring back: no presets were removed since the last undo")
        return
    say(f"brought back {', '.join(str(preset.id) for preset in presets)}")
    for preset in presets:
        if preset.id != preset.was:
            say(f"{preset.was} is {preset.id} now: the same preset was imported again meanwhile", err=True)


def print_rescue(path: Path, rescue: "Rescue", *, as_json: bool) -> None:
    """Prints what was saved of a damaged library."""
    if as_json:
        print_json({"library": str(path), **asdict(rescue), "kept": str(rescue.kept) if rescue.kept else None})
        return
    if rescue.kept is None:
        say(f"{path}: whole, nothing to repair")
        return
    of = f"{rescue.presets:,} of {_count(rescue.presets + rescue.lost, 'preset')}"
    say(f"{path}: saved {of} with {_count(rescue.labels, 'name')}")
    if rescue.unnamed:
        say(f"{_count(rescue.unnamed, 'preset')} lost the name", err=True)
    if rescue.stateless:
        say(f"{_count(rescue.stateless, 'preset')} kept the values alone, without what else was in it", err=True)
    say(f"the damaged file is kept as {rescue.kept}", err=True)


def print_tagged(count: int, *, as_json: bool) -> None:
    """Prints how many presets were described."""
    if as_json:
        print_json({"tagged": count})
    else:
        say(f"{_count(count, 'preset')} described")


def _losses(files: "Sequence[FileIntake]") -> str:
    rejected = sum(len(file.rejected) for file in files)
    unread = sum(bool(file.error) and not file.path.is_dir() for file in files)
    mended = len({(file.path, fault.voice) for file in files for fault in file.mended})
    said = ""
    if rejected:
        said += f"; {rejected:,} rejected"
    if mended:
        said += f"; {mended:,} mended"
    if unread:
        said += f"; {_count(unread, 'file')} not read"
    return said


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _facts(entry: "Entry") -> dict[str, Any]:
    return {**_summary(entry), "tags": entry.tags, "labels": [asdict(label) for label in entry.labels]}


def _summary(entry: "Entry") -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("id", "name", "category", "author", "synth")}


def _cells(entry: "Entry") -> list[str]:
    return [str(cell) for cell in _summary(entry).values()]


def _group(name: str) -> str:
    return name.partition(".")[0] if "." in name else ""


def _groups(engine: "type[Engine] | None") -> dict[str, str]:
    """The group of each parameter that is in one."""
    parameters = engine.space.parameters if engine else ()
    return {parameter.name: parameter.group for parameter in parameters if parameter.group}


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
