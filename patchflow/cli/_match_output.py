"""What `patchflow match` prints: progress to stderr, results to stdout."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..audio.note_names import note_name
from ..match.output.match_files import Failure
from ..match.output.writer import Report
from ..match.target import LONGEST
from ..progress import Progress
from ._console import ProgressBar, note, print_json, print_table, say

__all__ = ["MatchOutput"]


class MatchOutput:
    """Shows how a match is doing and what it found.

    Args:
        folder: Where the files are.
        as_json: Whether to print JSON, a line for each sound, and nothing else to stdout.
        optional: Synths that nobody asked for by name: to go without one is no failure.
    """

    def __init__(self, folder: Path, *, as_json: bool, optional: Collection[str] = ()) -> None:
        self.folder = folder
        self.optional = optional
        self.as_json = as_json
        self.code = 0  # exit code
        self._banks: dict[str, int] = {}
        self._lost: set[str] = set()  # what was said of synths
        self._first: Report | None = None  # of the sounds with a result
        self._bar = ProgressBar("loading")

    def __enter__(self) -> "MatchOutput":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if error is None and not self.as_json:
            for bank, count in self._banks.items():
                voices = "voices" if count > 1 else "voice"
                say("", f"{self.folder / bank}  {count} {voices}, the best of each sound")
            if self._first is not None and sys.stderr.isatty():
                names = self._first.names
                then = f"then load {names.presets[0]} in the synth; a longer search: --seconds 30"
                say("", f"listen to {names.comparison}, {then}", err=True)

    def progress(self, state: Progress) -> None:
        """Shows the best distance so far and what was spent."""
        self._bar.show(state)

    def tell(self, line: str) -> None:
        """Prints a line to stderr, such as what was mended in a preset."""
        with self._bar.hidden():
            note(line)

    def show(self, found: Report | Failure) -> None:
        """Prints a result, or why there is none."""
        with self._bar.hidden():
            if isinstance(found, Failure):
                self.code = self.code or 1
                _note(found.sound, str(found.error))
            else:
                self._first = self._first or found
                self._warn(found)
                self._print(found)

    def _warn(self, found: Report) -> None:
        summary = found.summary
        target = summary["target"]
        for line in (*target["mended"], target["remark"]):
            if line:
                _note(found.sound, line)
        if summary["stopped"]:
            self.code = self.code or 1
            _note(found.sound, f"{summary['stopped']}; the best of {summary['renders']:,} renders is kept")
        elif not summary["complete"]:
            self.code = 130
            _note(found.sound, f"stopped early, the best of {summary['renders']:,} renders is kept")
        if not summary["stopped"]:
            for synth, fault in _lost(summary["dealt"]):
                if synth not in self.optional:
                    self.code = self.code or 1
                if fault not in self._lost:
                    note(fault)
                self._lost.add(fault)
        faults = found.faults
        if faults:
            _note(found.sound, f"left out {len(faults):,} that the synth could not play; the first: {faults[0]}")
        if target["length_s"] >= LONGEST:
            start = target["trim_offset_s"]
            length = found.reference.file_length
            _note(found.sound, f"only {LONGEST:g} s from {start:.2f} s on are matched, of {length:.2f} s")

    def _print(self, found: Report) -> None:
        if self.as_json:
            print_json(found.summary)
            return
        for candidate in found.summary["candidates"]:
            if candidate["bank"]:
                self._banks[candidate["bank"]["file"]] = candidate["bank"]["voice"]
        say("")
        _print_candidates(found)
        for remark in found.summary["candidates"][0]["remarks"]:
            say(f"  1: {remark}")
        say(f"  {_loudness(found)}")
        say(f"  {_files(found)}")
        say(f"  {_times(found.summary)}")


def _lost(dealt: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Synths that could not be played, or not to the end, each with a line that says why."""
    faults: dict[str, list[str]] = {}
    for label, spent in dealt.items():
        faults.setdefault(label.partition(": ")[0], []).append(spent.get("fault") or "")
    found: dict[tuple[str, str], None] = {}
    for label, spent in dealt.items():
        synth, _, kind = label.partition(": ")
        # What is wrong with a synth is said once, and not for each kind of its presets.
        who = f"{synth} ({kind})" if kind and len(set(faults[synth])) > 1 else synth
        what = f"{who} ended early" if spent["renders"] else f"without {who}"
        if spent.get("fault"):
            found[synth, f"{what}: {spent['fault'].removeprefix(f'{synth}: ')}"] = None
    return list(found)


def _target(found: Report) -> str:
    """The note of the target, and how long it is, e.g. `"A4 (98% sure), held 0.40 s of 0.90 s"`.

    Where the note was told, what sounds stands beside the key, e.g. `"plays C3, sounds C2 -12 cents"`.
    """
    target = found.summary["target"]
    likeliest = target["notes"][0]
    note = f"{likeliest['name']} ({likeliest['confidence']:.0%} sure)"
    if likeliest["confidence"] == 1:
        sounds = f"sounds {target['sounding_note']}" if target["pitched"] else "no pitch"
        note = f"plays {likeliest['name']}, {sounds}"
    elif not target["pitched"]:
        note = "no pitch"
    return f"{note}, held {target['hold_s']:.2f} s of {target['length_s']:.2f} s"


def _loudness(found: Report) -> str:
    """How loud the target and the presets are, e.g. `"target -18.2 LUFS, presets -23.1 and -9.4"`."""
    levels = [
        found.summary["target"]["loudness_lufs"],
        *(each["loudness_lufs"] for each in found.summary["candidates"]),
    ]
    target, *presets = ["silent" if level is None else f"{level:.1f}" for level in levels]
    return f"loudness in LUFS: target {target}, as the presets play: {', '.join(presets)}"


def _files(found: Report) -> str:
    """Where everything is but the presets, e.g. `"found: bell.wav to bell-4.wav, bell-ab.wav, bell.png, bell.json"`."""
    names = found.names
    first, *others = [path.name for path in names.sounds]
    sounds = f"{first} to {others[-1]}" if len(others) > 1 else ", ".join([first, *others])
    return f"{names.folder}: {sounds}, {names.comparison.name}, {names.picture.name}, {names.summary.name}"


def _times(summary: Mapping[str, Any]) -> str:
    """What the time and the renders went into, e.g. `"loading 2.1 s, search 5.0 s, writing 0.8 s"`."""
    times = [f"{name.removesuffix('_s')} {seconds:.1f} s" for name, seconds in summary["timing"].items()]
    dealt: dict[str, int] = {}
    for label, spent in summary["dealt"].items():
        synth = label.partition(": ")[0]
        dealt[synth] = dealt.get(synth, 0) + spent["renders"]
    renders = [f"{count:,} {synth}" for synth, count in dealt.items() if count]
    return ", ".join(times) + (f"; renders: {', '.join(renders)}" if len(renders) > 1 else "")


def _print_candidates(found: Report) -> None:
    """A row for each candidate; its synth and kind where not all are of one synth, or some have a kind."""
    columns: dict[str, list[str]] = {
        name: [] for name in ("", "preset", "synth", "closeness", "distance", "note", "tuning", "kind", "differs most")
    }
    for rank, (rendition, file) in enumerate(zip(found.renditions, found.names.presets, strict=True), 1):
        candidate = rendition.candidate
        columns[""].append(str(rank))
        columns["preset"].append(file.name)
        columns["synth"].append(candidate.preset.synth)
        columns["closeness"].append(rendition.closeness)
        columns["distance"].append(f"{rendition.distance.value:.2f} {rendition.distance.unit}")
        columns["note"].append(note_name(candidate.note.pitch))
        columns["tuning"].append(rendition.verdict.tuning)
        columns["kind"].append(candidate.kind)
        columns["differs most"].append(rendition.verdict.text)
    if len(found.summary["synths"]) == 1:
        del columns["synth"]
    if not any(columns["kind"]):
        del columns["kind"]
    below = 2 if "kind" in columns else 1 if "synth" in columns else 0
    rows = list(zip(*columns.values(), strict=True))
    print_table(f"{found.sound.name}  {_target(found)}", list(columns), rows, below=below)


def _note(sound: Path, message: str) -> None:
    """Prints a line to stderr, with the sound in front unless the message names it."""
    about = "" if str(sound) in message else f"{sound}: "
    note(f"{about}{message}")
