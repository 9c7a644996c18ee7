"""The examples of each section as Markdown with blocks of HTML."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from media import Media, Shelf
from sections import (
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
    Variations,
)
from snippets import card, cards, matrix, parameters, player, plot, presets, rounded, table

from patchflow.explore.sound_attributes import MEASURES

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

    def heading(self, section: Any) -> str:
        """Returns what stands above a section; sections of one synth may have the same."""
        title = getattr(section, "title", "")
        return f"{section.synth}: {title}" if title else section.synth

    def draw(self, section: Any) -> str:
        """Returns the Markdown of a section without its heading, an object of one of the classes of `SECTIONS`."""
        drawn: Mapping[type[Any], Callable[[Any], list[str]]] = {
            Reconstruction: self._sounds,
            OutOfDomain: self._by_category,
            MacroControls: self._macros,
            Interpolation: self._pairs,
            Variations: self._variations,
            Semantics: self._semantics,
            Sketches: self._sketches,
        }
        parts = [section.text, *map(_table, section.tables)]
        return "\n\n".join([*parts, *drawn[type(section)](section)])

    def _media(self, clip: Clip) -> Media:
        return self.shelf.add(clip, self.folder)

    def _player(self, clip: Clip) -> str:
        return player(self._media(clip), self.up)

    def _sounds(self, section: Reconstruction | OutOfDomain) -> list[str]:
        return [self._sound(sound) for sound in section.sounds]

    def _sound(self, sound: Sound) -> str:
        original = self._player(sound.original) + (parameters(sound.preset) if sound.preset else "")
        boxes = [card("Original", original, sound.credit, first=True)]
        for attempt in sound.attempts:
            body = self._player(attempt.clip) + self._bars(sound.preset, attempt.preset, "Original", "Found")
            boxes.append(card(attempt.method, body, f"{rounded(attempt.distance_db)} {_CLOSE_DB}"))
        source = f"\n\n[Where the sound comes from]({sound.link})" if sound.link else ""
        return f"### {sound.name}\n\n{cards(boxes)}{source}"

    def _by_category(self, section: OutOfDomain) -> list[str]:
        parts = []
        for category in dict.fromkeys(sound.category for sound in section.sounds):
            parts.append(f"### {category.replace('_', ' ').capitalize()}")
            members = [sound for sound in section.sounds if sound.category == category]
            parts += [self._sound(sound).replace("### ", "#### ", 1) for sound in members]
        return parts

    def _macros(self, section: MacroControls) -> list[str]:
        return [self._macro(macro) for macro in section.macros]

    def _macro(self, macro: Macro) -> str:
        ends = f"{macro.low} to {macro.high}"
        title = f"### {ends}" if macro.name == ends else f"### {macro.name}: {ends}"
        words = f"From {macro.start}; {macro.method}; amounts in {macro.unit}."
        boxes = [self._step(step, macro.unit) for step in macro.steps]
        bars = self._bars(macro.steps[0].preset, macro.steps[-1].preset, macro.low, macro.high)
        plots = [self._descriptors(macro.steps, macro.name), self._moving(macro.steps, macro.name)]
        return "\n\n".join([title, words, cards(boxes), f'<div class="bars">{bars}</div>', *map(_block, plots)])

    def _step(self, step: Step, unit: str) -> str:
        return card(f"{_signed(step.at)} {unit}", self._player(step.clip))

    def _descriptors(self, steps: Sequence[Step], name: str) -> str:
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
        drawn = plot(
            "line", ("amount", *names), rows,
            label=f"{name}: change of measured attributes along the path", x_label="amount",
            y_label="standard deviations",
        )  # fmt: skip
        return drawn + table(("Amount", *names), measured, f"{name}: measured")

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
        parts = [f"### {pair.first[:1].upper()}{pair.first[1:]} to {pair.second}"]
        if pair.whole:
            parts.append(cards(card(clip.label, self._player(clip)) for clip in pair.whole))
        if pair.picture:
            rows = [(rounded(place.x, 4), rounded(place.y, 4), place.group, place.name) for place in pair.picture]
            drawn = plot(
                "scatter", ("x", "y", "what", "name"), rows,
                label=f"The space, in two dimensions: {pair.first}, {pair.second}", x_label="first direction",
                y_label="second direction",
            )  # fmt: skip
            parts.append(_block(drawn))
        for title, steps in (("The path", pair.path), ("The straight line between the parameters", pair.naive)):
            if steps:
                parts += [f"#### {title}", cards(self._place(step) for step in steps)]
                parts.append(_block(self._moving(steps, title)))
        for name, steps in ((pair.first, pair.around_first), (pair.second, pair.around_second)):
            if steps:
                boxes = [self._neighbour(step, pair, first=name == pair.first) for step in steps]
                parts += [f"#### Around {name}", cards(boxes)]
        return "\n\n".join(parts)

    def _place(self, step: Step) -> str:
        note = f"{rounded(step.distance_db)} dB from the step before" if step.at else "the beginning"
        return card(f"{100 * step.at:.0f} %", self._player(step.clip), note)

    def _neighbour(self, step: Step, pair: Pair, *, first: bool) -> str:
        centre = pair.path[0 if first else -1].preset
        body = self._player(step.clip) + self._bars(centre, step.preset, "Centre", "Neighbour")
        return card(f"{rounded(step.distance_db)} dB away", body)

    def _variations(self, section: Variations) -> list[str]:
        boxes = [card(section.name, self._player(section.original), "the preset that is varied", first=True)]
        for found in section.variations:
            body = self._player(found.clip) + self._bars(section.preset, found.preset, "Before", "After")
            note = f"{found.method}, {found.section}; heard {rounded(found.heard)}, {rounded(found.distance_db)} dB"
            boxes.append(card(f"Amount {found.amount:g}", body, note))
        points = [(rounded(one.amount), rounded(one.heard), one.section) for one in section.variations]
        drawn = plot(
            "scatter", ("asked", "heard", "section"), points,
            label="Heard amount by asked amount", x_label="asked amount", y_label="heard amount", equal=True,
        )  # fmt: skip
        return [f"### {section.name}", cards(boxes), _block(drawn)]

    def _semantics(self, section: Semantics) -> list[str]:
        parts = [matrix(one.title, one.macros, one.attributes, one.values) for one in section.matrices]
        for found in section.maps:
            parts += [f"### Where {found.low} and {found.high} lie", self._map(found)]
        for found in section.traversals:
            title = f"### From {found.low} to {found.high}"
            boxes = [self._step(step, "") for step in found.steps]
            drawn = [self._moving(found.steps, found.attribute), self._descriptors(found.steps, found.attribute)]
            parts += [title, f"All else fixed at {found.start}.", cards(boxes), *map(_block, drawn)]
        return parts

    def _map(self, found: LatentMap) -> str:
        colours = f"blue is {found.low}, red is {found.high}"
        boxes = [card(one.title, self._scatter(one, found), colours) for one in (found.before, found.after)]
        return cards(boxes, two=True)

    def _scatter(self, scatter: Scatter, found: LatentMap) -> str:
        rows = [(rounded(point.x), rounded(point.y), rounded(point.value)) for point in scatter.points]
        label = f"{scatter.title}; blue is {found.low}, red is {found.high}"
        columns = (scatter.x, scatter.y, found.attribute)
        return plot("scatter", columns, rows, label=label, x_label=scatter.x, y_label=scatter.y)

    def _sketches(self, section: Sketches) -> list[str]:
        return [self._sketch(sketch) for sketch in section.sketches]

    def _sketch(self, sketch: Sketch) -> str:
        found = self._player(sketch.found) + (parameters(sketch.preset) if sketch.preset else "")
        boxes = [
            card("Voice", self._player(sketch.voice), sketch.credit, first=True),
            card("The preset that was found", found, f"{rounded(sketch.distance_db)} dB away"),
            card("Played with it", self._player(sketch.played), f"{len(sketch.notes)} notes"),
        ]
        parts = [f"### {sketch.name}", cards(boxes)]
        if sketch.contour:
            label = f"{sketch.name}: pitch contour and notes"
            columns = ("s", "pitch that was sung", "notes that were found")
            drawn = plot("line", columns, contour_rows(sketch), label=label, x_label="seconds", y_label="MIDI note")
            parts.append(_block(drawn))
        if sketch.notes:
            rows = [_note(note) for note in sketch.notes]
            parts.append(table(("Start", "Length", "MIDI note", "Velocity"), rows, f"Notes of {sketch.name}"))
        return "\n\n".join(parts)

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


def _block(html: str) -> str:
    """HTML that Markdown leaves alone: its own elements do not begin a block, `<div>` does."""
    return f"<div>{html}</div>" if html else ""
