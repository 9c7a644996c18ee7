"""Makes presets from words: goes on from the hits of a search, turns and varies them, and keeps what fits better."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.loudness import loudness
from ..audio.sound_file import encode
from ..ear.ear import KEYS
from ..engines import engines
from ..errors import OptionError, PresetError
from ..explore.attribute_map import load_map
from ..explore.good_presets import GoodPresets
from ..explore.player import Audition, Player, built
from ..explore.turn import Turner
from ..explore.vary import vary
from ..explore.workbench import check_count
from ..features.measures import MEASURES
from ..match.output.names import file_name, write_set
from ..match.output.rendition import RENDITION_RATE, SynthFiles, equally_loud
from ..match.verdict import CLOSENESS
from ..presets import Entry, Label, Library, Preset
from ..presets.preset import ascii_name
from ..progress import Progress, ProgressCallback, ignore
from ..version import version
from .embedded import preset_called
from .meaning import Meaning, understand
from .shelf import Shelf
from .standing import COLUMNS

__all__ = ["Making", "Refined", "make", "write_making"]

_FORMAT = "patchflow-made"
_NOTE = KEYS[0]  # on which the presets of a shelf were measured
_RENDERS = 150  # for each preset that is asked for
_HITS = 3  # that are gone on from, for each preset that is asked for
_COMPARED = 2_000  # presets of the shelf among which ranks are taken
_GOAL = 0.95  # rank that is turned to
_STEPS = (0.25, 2.5)  # least and largest change that is asked for, in standard deviations
_SHARES = np.array([0.0, 0.5, 1.0])
_AMOUNT = 0.3  # of variations: close
_VARIED = 2  # children of one hit
_VARIED_RENDERS = 100
_NAME = 7  # letters of the words in a name: DX7 voices have ten


@dataclass(frozen=True)
class Refined:
    """A preset that fits the words better than what it was made of.

    Args:
        preset: The preset.
        parent: What is known of the preset that it was made of.
        how: `"turned"` or `"varied"`.
        fit: How well it fits, 0 to 1, with the name of the parent.
        fit_before: The same of the parent.
        before: Measures of the parent, shape `(M,)`.
        after: Its own.
        sound: Mono samples, shape `(T,)`.
    """

    preset: Preset
    parent: Entry
    how: str
    fit: float
    fit_before: float
    before: np.ndarray
    after: np.ndarray
    sound: np.ndarray


@dataclass(frozen=True)
class Making:
    """What was made.

    Args:
        text: The words.
        meaning: What was understood.
        synth: Whose presets.
        made: The presets, the best first.
        renders: How many notes were played.
        remarks: What the user should know.
    """

    text: str
    meaning: Meaning
    synth: str
    made: tuple[Refined, ...]
    renders: int
    remarks: tuple[str, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """The attributes that the words ask for, in the order of the words."""
        found: dict[str, None] = {}
        for quality in self.meaning.qualities():
            found |= dict.fromkeys(quality.main)
        return tuple(found)


def make(
    text: str,
    shelf: Shelf,
    library: Library,
    synth: str,
    *,
    count: int = 4,
    seed: int = 0,
    renders: int | None = None,
    progress: ProgressCallback = ignore,
) -> Making:
    """Makes presets of a synth that fit words better than those there are.

    The best hits are turned towards what the words ask for and varied; everything is played on the note of the shelf
    and measured. What fits better than the hit it is made of is kept, if it also does so without the name of that.

    Args:
        text: The words.
        shelf: Presets to go on from.
        library: Where those of the shelf lie that are not of the embedded bank; variations borrow of it.
        synth: Whose presets are made.
        count: How many, 1 to 32; there may be fewer, which a remark says.
        seed: Of the random generator.
        renders: How many notes may be played, about; 150 a preset if None.
        progress: Called after every hit.

    Raises:
        OptionError: If an option is not allowed, nothing was understood, or the shelf has nothing of the synth.
        PatchflowError: If a preset cannot be read, or the synth cannot be loaded.
    """
    check_count(count, renders)
    meaning = understand(text, shelf)
    if not meaning.text():
        unknown = f" Nobody knows {', '.join(meaning.unknown)}." if meaning.unknown else ""
        raise OptionError(f"{text!r}: asks for nothing that can be made.{unknown} Try: glassy bell, slow decay")
    of_synth = np.array([entry.synth == synth for entry in shelf.entries], bool)
    own = shelf.where(of_synth & np.isfinite(shelf.measures).all(1))
    if not len(own):
        raise OptionError(
            f"synth={synth}: no preset of it was listened to, so there is none to go on from: import some with "
            "patchflow presets import"
        )
    workshop = _Workshop(meaning, own, synth, library, np.random.default_rng(seed))
    budget = _RENDERS * count if renders is None else renders
    best = np.argsort(-meaning.fit(own), kind="stable")[: _HITS * count]
    for done, row in enumerate(best):
        if workshop.renders >= budget:
            break
        progress(Progress("make", done, len(best), "hits"))
        entry, preset = preset_called(own.numbers(best[done : done + 1])[0], library)
        workshop.go_on_from(entry, preset, own.measures[row])
    made = workshop.best(count)
    remarks = [*meaning.remarks, *workshop.remarks]
    if meaning.unknown:
        remarks.append(f"nobody knows {', '.join(meaning.unknown)}")
    if len(made) < count:
        remarks.append(f"made {len(made)} of {count}: others fit no better than what they were made of, or were twins")
    named = [replace(one, preset=_named(one.preset, text, number)) for number, one in enumerate(made, 1)]
    return Making(text, meaning, synth, tuple(named), workshop.renders, tuple(dict.fromkeys(remarks)))


class _Workshop:
    """Makes presets of hits, and knows how well they fit."""

    def __init__(self, meaning: Meaning, own: Shelf, synth: str, library: Library, rng: np.random.Generator) -> None:
        self.renders = 0
        self.remarks: list[str] = []
        self._meaning = meaning
        self._engine = engines[synth]
        self._synth = synth
        stored = library.path if library.path.exists() else None
        self._good = GoodPresets.load(synth, stored)
        self._learned = load_map(synth, self._engine.space)
        self._others = np.asarray(own.measures, float)[rng.permutation(len(own))[:_COMPARED]]
        self._rng = rng
        self._found: list[Refined] = []
        if self._learned is None:
            self.remarks.append(f"{synth} has no learned map: what its parameters do is found out by playing them")

    def go_on_from(self, entry: Entry, preset: Preset, before: np.ndarray) -> None:
        """Turns a hit towards the words, and varies it; what fits better is kept."""
        space = self._engine.space
        point = space.snap(space.encode(preset.values))
        with Player(partial(built, self._engine, preset.state), (_NOTE,)) as player:
            turned = self._turned(player, point, np.asarray(before, float))
            varied = self._varied(preset)
            points = np.concatenate((point[None], turned, varied))
            played = player.play(points)
        self.renders += len(points)
        measures = played.measures[:, 0]
        fits = self._fits(measures, entry.labels)
        unnamed = self._fits(measures, (Label(),))
        for row in range(1, len(points)):
            # what is called a bell must not get away with sounding less like one
            if fits[row] > fits[0] and unnamed[row] >= unnamed[0]:
                values = {**preset.values, **space.decode(points[row])}
                made = Refined(
                    preset=replace(preset, values=values),
                    parent=entry,
                    how="turned" if row <= len(turned) else "varied",
                    fit=float(fits[row]),
                    fit_before=float(fits[0]),
                    before=measures[0],
                    after=measures[row],
                    sound=played.sounds[row, 0],
                )
                self._found.append(made)

    def _turned(self, player: Player, point: np.ndarray, before: np.ndarray) -> np.ndarray:
        """The preset turned halfway and all the way to what the qualities ask for, (0 or 2, P)."""
        signs: dict[str, float] = {}
        for quality in self._meaning.qualities():
            signs |= quality.main
        if not signs:
            return np.zeros((0, len(point)))
        turner = Turner(self._engine, player, self._learned)
        wish = np.zeros(len(MEASURES))
        for name, sign in signs.items():
            column = COLUMNS[name]
            goal = before.copy()
            goal[column] = np.quantile(self._others[:, column], _GOAL if sign > 0 else 1 - _GOAL)
            away = sign * turner.standardised(goal - before)[column]
            wish[column] = sign * np.clip(away, *_STEPS)
        try:
            turn = turner.turn(point, wish, shares=_SHARES, seed=int(self._rng.integers(2**31)))
        except OptionError as error:
            self.remarks.append(str(error))
            return np.zeros((0, len(point)))
        self.renders += turn.renders
        return turn.points[1:]

    def _varied(self, preset: Preset) -> np.ndarray:
        """Variations of the preset, encoded, (up to 2, P)."""
        space = self._engine.space
        seed = int(self._rng.integers(2**31))
        try:
            found = vary(self._good, preset, _AMOUNT, count=_VARIED, note=_NOTE, seed=seed, renders=_VARIED_RENDERS)
        except (OptionError, PresetError):  # nothing lies there, or the preset is silent: others may do better
            return np.zeros((0, len(space)))
        self.renders += found.renders
        return np.array([child.point for child in found.children])

    def _fits(self, measures: np.ndarray, labels: tuple[Label, ...]) -> np.ndarray:
        """How well sounds fit that have some labels, among presets of the shelf."""
        together = np.concatenate((self._others, measures))
        entries = [Entry(row, self._synth, labels) for row in range(len(together))]
        there = Shelf(entries, np.zeros((len(together), 1), np.float32), together)
        return self._meaning.fit(there)[len(self._others) :]

    def best(self, count: int) -> list[Refined]:
        """Returns what fits best, no twins among it."""
        chosen: list[Refined] = []
        with Audition(self._engine, _NOTE) as audition:
            for made in sorted(self._found, key=lambda made: -made.fit):
                if len(chosen) == count:
                    break
                others = np.array([other.sound for other in chosen])
                if chosen and audition.distances(others, made.sound).min() <= CLOSENESS["the same"]:
                    continue
                chosen.append(made)
        return chosen


def _named(preset: Preset, text: str, number: int) -> Preset:
    """The preset with a name of the words and a number; it is of nobody's category and has no author any more."""
    words = ascii_name(" ".join(text.split()).title())
    short = "".join(letter for letter in words if letter.isalnum())[:_NAME].rstrip()
    return replace(preset, name=f"{short or 'Made'} {number}", category="", author="")


def write_making(making: Making, folder: Path) -> tuple[str, Mapping[str, Any]]:
    """Writes presets, sounds and numbers: all of them or, whatever happens, none.

    Args:
        making: What was made.
        folder: Where to write; made if it is not there.

    Returns:
        The name of the file of numbers, and what it holds.

    Raises:
        StorageError: If the files cannot be written.
        OptionError: If nothing was made.
    """
    if not making.made:
        raise OptionError(
            f"{making.text!r}: nothing was made that fits better than what patchflow search finds: try another seed"
        )
    writer = SynthFiles(making.synth)
    stem = f"make-{ascii_name(making.text)}"
    files: dict[str, bytes] = {}
    sounds = []
    names: list[tuple[str, str]] = []
    for number, made in enumerate(making.made, 1):
        preset = writer.engine.pack(made.preset) if writer.format.opaque else made.preset
        names.append((file_name(f"{stem}-{number}", writer.extension), file_name(f"{stem}-{number}", ".wav")))
        files[names[-1][0]] = writer.format.write([writer.engine.whole(preset)])
        writer.engine.build_on(preset.state)
        sounds.append(writer.engine.render(writer.engine.space.encode(preset.values), _NOTE, RENDITION_RATE))
    for (_, audio), sound in zip(names, equally_loud(sounds, loudness(sounds[0], RENDITION_RATE)), strict=True):
        files[audio], _ = encode(Path(audio), sound.samples, RENDITION_RATE)
    summary: dict[str, Any] = {
        "format": _FORMAT,
        "version": version(),
        "text": making.text,
        "understood": making.meaning.text(),
        "synth": making.synth,
        "renders": making.renders,
        "remarks": list(making.remarks),
        "made": [_facts(made, *pair) for made, pair in zip(making.made, names, strict=True)],
    }
    numbers = file_name(stem, ".json")
    if (folder / numbers).exists():
        summary["remarks"].append(f"{folder / numbers}: took the place of what was made of these words before")
    return numbers, write_set(folder, files, numbers, summary)


def _facts(made: Refined, preset: str, audio: str) -> dict[str, Any]:
    """What is said of a preset in numbers."""
    pairs = zip(MEASURES, made.before, made.after, strict=True)
    return {
        "preset": preset,
        "audio": audio,
        "name": made.preset.name,
        "from": made.parent.name,
        "how": made.how,
        "fit": round(made.fit, 4),
        "fit_before": round(made.fit_before, 4),
        "attributes": {
            one.name: {"unit": one.unit, "before": round(float(before), 3), "after": round(float(after), 3)}
            for one, before, after in pairs
        },
    }
