"""The examples of each section as Markdown with blocks of HTML."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from media import Media, Shelf
from scipy.stats import rankdata
from sections import (
    Axis,
    Clip,
    Interpolation,
    LatentMap,
    Macro,
    MacroControls,
    Note,
    OutOfDomain,
    Pair,
    Preset,
    Reconstruction,
    Scatter,
    Semantics,
    Sketch,
    Sketches,
    Sound,
    Step,
    Table,
    Traversal,
    Variations,
)
from snippets import (
    SYNTHS,
    card,
    cards,
    fold,
    matrix,
    more,
    parameters,
    path_of,
    player,
    plot,
    plots,
    presets,
    rounded,
    table,
)

from patchflow.features.measures import ATTRIBUTES, MEASURES

__all__ = ["SectionPage", "contour_rows"]

_MOST = 6  # parameters of a traversal that are drawn, as in the paper
_PAUSE = 0.05  # seconds between two frames of a contour, above which the line is broken
_CLOSE_DB = "dB from the original"


class SectionPage:
    """Draws the examples of one folder.

    Args:
        shelf: Where sounds go.
        folder: Of the examples.
        up: From the page to the root of the site.
    """

    def __init__(self, shelf: Shelf, folder: Path, up: str) -> None:
        self.shelf = shelf
        self.folder = folder
        self.up = up
        self._open = True

    def heading(self, section: Any) -> str:
        """Returns what stands above a section; sections of one synth may have the same."""
        synth = SYNTHS.get(section.synth, str(section.synth))
        return f"{synth}: {section.title}" if section.title else synth

    def draw(self, section: Any, *, first: bool = True) -> str:
        """Returns the Markdown of a section without its heading.

        Args:
            section: An object of one of the classes of `SECTIONS`.
            first: Whether its first example is open; all others are folded away.
        """
        drawn: Mapping[type[Any], Callable[[Any], list[str]]] = {
            Reconstruction: self._sounds,
            OutOfDomain: self._by_category,
            MacroControls: self._macros,
            Interpolation: self._pairs,
            Variations: self._variations,
            Semantics: self._semantics,
            Sketches: self._sketches,
        }
        self._open = first
        parts = [section.text, *map(_table, section.tables)]
        return "\n\n".join([*parts, *drawn[type(section)](section)])

    def _fold(self, title: str, parts: Sequence[str], note: str = "") -> str:
        """An example under its title: the first that is drawn is open."""
        drawn = fold(title, "".join(parts), f"{self.folder.name}-{title}", note, is_open=self._open)
        self._open = False
        return drawn

    def _media(self, clip: Clip) -> Media:
        return self.shelf.add(clip, self.folder)

    def _player(self, clip: Clip) -> str:
        return player(self._media(clip), self.up)

    def _sounds(self, section: Reconstruction) -> list[str]:
        return [self._sound(sound) for sound in section.sounds]

    def _sound(self, sound: Sound) -> str:
        original = self._player(sound.original) + (parameters(sound.preset) if sound.preset else "")
        link = f'<p class="note"><a href="{escape(sound.link)}">Where it comes from</a></p>' if sound.link else ""
        boxes = [card("Original", original + link, sound.credit, first=True)]
        for attempt in sound.attempts:
            body = self._player(attempt.clip) + self._bars(sound.preset, attempt.preset, "Original", "Found")
            boxes.append(card(attempt.method, body, f"{rounded(attempt.distance_db)} {_CLOSE_DB}"))
        nearest = min(sound.attempts, key=lambda attempt: attempt.distance_db, default=None)
        note = f"nearest: {nearest.method}, {rounded(nearest.distance_db)} dB" if nearest else ""
        return self._fold(sound.name, [cards(boxes)], note)

    def _by_category(self, section: OutOfDomain) -> list[str]:
        parts = []
        for category in dict.fromkeys(sound.category for sound in section.sounds):
            parts.append(f"### {category.replace('_', ' ').capitalize()}")
            self._open = True
            parts += [self._sound(sound) for sound in section.sounds if sound.category == category]
        return parts

    def _macros(self, section: MacroControls) -> list[str]:
        return [self._macro(macro) for macro in section.macros]

    def _macro(self, macro: Macro) -> str:
        ends = f"{macro.low} to {macro.high}"
        title = ends if macro.name == ends else f"{macro.name}: {ends}"
        boxes = [self._step(step, macro.unit) for step in macro.steps]
        bars = self._bars(macro.steps[0].preset, macro.steps[-1].preset, macro.low, macro.high)
        moved = f'<h4>Parameters that differ most between the ends</h4><div class="bars">{bars}</div>'
        drawn = plots([self._descriptors(macro.steps, macro), self._moving(macro.steps, macro.name)])
        return self._fold(title, [path_of(boxes), moved, drawn], f"From {macro.start}; {macro.method}")

    def _step(self, step: Step, unit: str) -> str:
        return card(_signed(step.at), self._player(step.clip), unit)

    def _descriptors(self, steps: Sequence[Step], axis: Axis) -> str:
        """How every attribute changes along a path, in deviations over presets, so that all have one scale."""
        known = [one for one in MEASURES if all(one.name in step.attributes for step in steps)]
        if not known:
            return ""
        middle = min(steps, key=lambda step: abs(step.at)).attributes
        names = [one.name for one in known]
        rows = []
        measured = []
        for step in steps:
            changes = [(step.attributes[one.name] - middle[one.name]) / one.spread for one in known]
            rows.append((f"{step.at:g}", *(f"{change:.2f}" for change in changes)))
            measured.append((_signed(step.at), *(one.text(step.attributes[one.name]) for one in known)))
        words = {axis.low.lower(), axis.high.lower()}
        own = next((one.name for one in ATTRIBUTES if words == {one.low, one.high}), "")
        drawn = plot(
            "line", ("amount", *names), rows,
            label=f"{axis.name}: change of measured attributes along the path", x_label="amount",
            y_label="standard deviations", strong=own,
        )  # fmt: skip
        return drawn + more("The same in units", table(("Amount", *names), measured, f"{axis.name}: measured"))

    def _moving(self, steps: Sequence[Step], name: str) -> str:
        """The parameters that move most along a path."""
        spans = {}
        for parameter in steps[0].preset:
            values = [step.preset.get(parameter, 0.0) for step in steps]
            spans[parameter] = max(values) - min(values)
        names = sorted(spans, key=lambda parameter: -spans[parameter])[:_MOST]
        rows = [(f"{step.at:g}", *(f"{step.preset.get(key, 0.0):.3f}" for key in names)) for step in steps]
        label = f"{name}: the {len(names)} parameters that move most"
        return plot("line", ("amount", *names), rows, label=label, x_label="amount", y_label="position on its range")

    def _pairs(self, section: Interpolation) -> list[str]:
        return [self._pair(pair) for pair in section.pairs]

    def _pair(self, pair: Pair) -> str:
        parts = []
        if pair.whole:
            parts.append(cards(card(clip.label, self._player(clip)) for clip in pair.whole))
        if pair.picture:
            rows = [(rounded(place.x, 4), rounded(place.y, 4), place.group, place.name) for place in pair.picture]
            drawn = plot(
                "scatter", ("x", "y", "what", "name"), rows,
                label=f"The space, in two dimensions: {pair.first}, {pair.second}", x_label="first direction",
                y_label="second direction",
            )  # fmt: skip
            parts.append(drawn)
        moving = []
        for title, steps in (("The path", pair.path), ("The straight line between the parameters", pair.naive)):
            if steps:
                parts += [f"<h4>{title}</h4>", path_of(self._place(step) for step in steps)]
                moving.append(self._moving(steps, title))
        parts.append(plots(moving))
        for name, steps in ((pair.first, pair.around_first), (pair.second, pair.around_second)):
            if steps:
                boxes = [self._neighbour(step, pair, first=name == pair.first) for step in steps]
                parts += [f"<h4>Around {escape(name)}</h4>", cards(boxes)]
        largest = [max(step.distance_db for step in steps) for steps in (pair.path, pair.naive) if steps]
        note = "largest step " + ", on the straight line ".join(f"{rounded(step)} dB" for step in largest)
        return self._fold(f"{pair.first[:1].upper()}{pair.first[1:]} to {pair.second}", parts, note)

    def _place(self, step: Step) -> str:
        note = f"{rounded(step.distance_db)} dB from the step before" if step.at else "the beginning"
        return card(f"{100 * step.at:.0f} %", self._player(step.clip), note)

    def _neighbour(self, step: Step, pair: Pair, *, first: bool) -> str:
        centre = pair.path[0 if first else -1].preset
        body = self._player(step.clip) + self._bars(centre, step.preset, "Centre", "Neighbour")
        return card(f"{rounded(step.distance_db)} dB away", body)

    def _variations(self, section: Variations) -> list[str]:
        boxes = [card("Before", self._player(section.original), "the preset that is varied", first=True)]
        for found in section.variations:
            body = self._player(found.clip) + self._bars(section.preset, found.preset, "Before", "After")
            free = "all parameters free" if found.section == "all" else f"only {found.section} free"
            way = "by borrowing" if found.method == "borrow" else f"by a {found.method}"
            note = f"{free}, {way}; {rounded(found.distance_db)} dB away, which is {rounded(found.heard)}"
            boxes.append(card(f"Amount {found.amount:g}", body, note))
        points = [(rounded(one.amount), rounded(one.heard), one.section) for one in section.variations]
        drawn = plot(
            "scatter", ("asked", "heard", "section"), points,
            label="Heard amount by asked amount", x_label="asked amount", y_label="heard amount", equal=True,
        )  # fmt: skip
        return [self._fold(section.name, [cards(boxes), drawn])]

    def _semantics(self, section: Semantics) -> list[str]:
        parts = []
        if section.matrices:
            parts.append("### Which control moves what")
            parts += [matrix(one.title, one.macros, one.attributes, one.values) for one in section.matrices]
        if section.maps:
            parts.append("### Before and after")
            self._open = True
            parts += [self._map(found) for found in section.maps]
        if section.traversals:
            parts.append("### From end to end")
            self._open = True
            parts += [self._traversal(found) for found in section.traversals]
        return parts

    def _map(self, found: LatentMap) -> str:
        boxes = [self._scatter(one, found) for one in (found.before, found.after)]
        return self._fold(f"Where {found.low} and {found.high} lie", [cards(boxes, two=True)])

    def _scatter(self, scatter: Scatter, found: LatentMap) -> str:
        rows = [(rounded(point.x), rounded(point.y), rounded(point.value)) for point in scatter.points]
        colours = f"blue is {found.low}, red is {found.high}"
        columns = (scatter.x, scatter.y, found.name)
        drawn = plot(
            "scatter", columns, rows, label=f"{scatter.title}; {colours}", x_label=scatter.x, y_label=scatter.y,
            hide_label=True,
        )  # fmt: skip
        values = [point.value for point in scatter.points]
        along = [_rank_correlation([getattr(point, axis) for point in scatter.points], values) for axis in "xy"]
        note = f"{colours}; rank correlation with it: {along[0]:+.2f} to the right, {along[1]:+.2f} upwards"
        return card(scatter.title, drawn, note)

    def _traversal(self, found: Traversal) -> str:
        boxes = [self._step(step, "") for step in found.steps]
        drawn = plots([self._moving(found.steps, found.name), self._descriptors(found.steps, found)])
        title = f"From {found.low} to {found.high}"
        return self._fold(title, [path_of(boxes), drawn], f"all else fixed at {found.start}")

    def _sketches(self, section: Sketches) -> list[str]:
        return [self._sketch(sketch) for sketch in section.sketches]

    def _sketch(self, sketch: Sketch) -> str:
        found = self._player(sketch.found) + (parameters(sketch.preset) if sketch.preset else "")
        boxes = [
            card("Voice", self._player(sketch.voice), sketch.credit, first=True),
            card("The preset that was found", found, f"{rounded(sketch.distance_db)} dB away"),
            card("Played with it", self._player(sketch.played), f"{len(sketch.notes)} notes"),
        ]
        parts = [cards(boxes)]
        if sketch.contour:
            label = f"{sketch.name}: pitch contour and notes"
            columns = ("s", "pitch that was sung", "notes that were found")
            rows = contour_rows(sketch)
            parts.append(plot("line", columns, rows, label=label, x_label="seconds", y_label="MIDI note"))
        if sketch.notes:
            notes = [_note(note) for note in sketch.notes]
            heads = ("Start", "Length", "MIDI note", "Velocity")
            parts.append(more(f"All {len(notes)} notes", table(heads, notes, f"Notes of {sketch.name}")))
        return self._fold(sketch.name, parts)

    def _bars(self, before: Preset, after: Preset, first: str, second: str) -> str:
        return presets(before, after, (first, second)) if before and after else ""


def _signed(amount: float) -> str:
    return f"{amount:+g}" if amount else "0"


def _note(note: Note) -> tuple[str, str, str, str]:
    return f"{note.start:.2f} s", f"{note.length:.2f} s", f"{note.pitch:.2f}", str(note.velocity)


def contour_rows(sketch: Sketch) -> list[tuple[str, str, str]]:
    """Returns time, pitch and note of each frame of a contour, broken where the voice pauses or a note ends."""
    rows: list[tuple[str, str, str]] = []
    before = None
    for at, pitch in sketch.contour:
        note = next((note for note in sketch.notes if note.start <= at < note.start + note.length), None)
        if rows and (note is not before or at - float(rows[-1][0]) > _PAUSE):
            gap = at - float(rows[-1][0]) > _PAUSE
            rows.append((f"{at - 0.001:.3f}", "" if gap else rounded(pitch, 4), ""))
        rows.append((f"{at:.3f}", rounded(pitch, 4), rounded(note.pitch, 4) if note else ""))
        before = note
    return rows


def _table(found: Table) -> str:
    source = f"\n\nFrom `{found.source}`." if found.source else ""
    return table(found.columns, found.rows, found.title) + source


def _rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
