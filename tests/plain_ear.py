"""An ear without weights, words without a lexicon, and a small embedded bank: for tests of what is built on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
import torch

from patchflow.browse import Meaning, Shelf, embedded, shelf
from patchflow.browse.shelf import WIDTH
from patchflow.ear import MEASURES, measure
from patchflow.engines import Engine, Note
from patchflow.presets import Entry, Label, Library, Preset
from patchflow.progress import Progress, ProgressCallback, ignore

__all__ = ["PlainEar", "Said", "listened_to", "preset_vectors", "put_in", "saws", "understand"]

NOTE = Note(60, 100, 0.4, 0.5)
RATE = 22_050


class PlainEar:
    """Levels of bands, of length 1."""

    version = "0123456789abcdef"
    width = WIDTH

    @classmethod
    def load(cls) -> "PlainEar":
        return cls()

    def embed(self, sounds: Sequence[np.ndarray], rate: int) -> np.ndarray:
        found = np.zeros((len(sounds), self.width), np.float32)
        for row, sound in enumerate(sounds):
            power = np.abs(np.fft.rfft(sound, 2 * rate)) ** 2
            bands = np.array([part.sum() for part in np.array_split(power[: 2 * 4_000], self.width)])
            if bands.max() > 1e-6:
                levels = np.sqrt(bands)
                found[row] = levels / np.linalg.norm(levels)
        return found


def preset_vectors(
    make: Callable[[], Engine], points: np.ndarray, *, progress: ProgressCallback = ignore
) -> tuple[np.ndarray, np.ndarray]:
    """As `ear.preset_vectors`, on one short note."""
    engine = make()
    sounds = np.stack([engine.render(point, NOTE, RATE) for point in points])
    progress(Progress("listen", len(points), len(points), "presets"))
    return PlainEar().embed(list(sounds), RATE), measure(torch.from_numpy(sounds), [NOTE] * len(sounds), RATE)


@dataclass(frozen=True)
class Said:
    """What was understood: `long` and `short`, on a scale from the shortest to the longest preset, and `not`."""

    typed: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(word for word in self.typed if word not in ("long", "short", "not"))

    @property
    def denied(self) -> tuple[str, ...]:
        after = [word for before, word in pairwise(self.typed) if before == "not"]
        return tuple(word for word in after if word in self.unknown)

    @property
    def guessed(self) -> tuple[str, ...]:
        return ()

    @property
    def remarks(self) -> tuple[str, ...]:
        return ("long and short: both cannot be",) if {"long", "short"} <= set(self.typed) else ()

    def text(self) -> str:
        return "; ".join(word for word in self.typed if word not in self.unknown)

    def fit(self, shelf: Shelf) -> np.ndarray:
        length = shelf.measures[:, [attribute.name for attribute in MEASURES].index("length")]
        if not np.isfinite(length).any():
            return np.zeros(len(shelf))
        scale = np.nan_to_num((length - np.nanmin(length)) / max(np.ptp(length[np.isfinite(length)]), 1e-9))
        found = np.ones(len(shelf))
        for word in self.typed:
            if word in ("long", "short"):
                found = np.minimum(found, scale if word == "long" else 1 - scale)
        return np.where(np.isfinite(length), found, 0.0)

    def excludes(self, shelf: Shelf) -> np.ndarray:
        return np.zeros(len(shelf), bool)

    def reasons(self, shelf: Shelf, index: int) -> str:
        return f"{self.text()}: {self.fit(shelf)[index]:.2f}"


def understand(text: str, shelf: Shelf | None = None) -> Meaning:
    del shelf
    return cast(Meaning, Said(tuple(text.casefold().split())))


def put_in(monkeypatch: pytest.MonkeyPatch, *, bank: Sequence[Preset] = ()) -> None:
    """Puts them in the place of those that are learned.

    Args:
        monkeypatch: Of the test.
        bank: What the embedded bank of the tone engine has.
    """
    monkeypatch.setattr("patchflow.ear.Ear", PlainEar, raising=False)
    monkeypatch.setattr("patchflow.ear.preset_vectors", preset_vectors, raising=False)
    monkeypatch.setattr("patchflow.browse.understand", understand, raising=False)
    monkeypatch.setattr(shelf, "ear_version", lambda: PlainEar.version)
    for module in (shelf, embedded):
        monkeypatch.setattr(module, "embedded_synths", lambda: ("tone",) if bank else ())
        monkeypatch.setattr(module, "embedded_bank", lambda: EmbeddedBank(bank))


@dataclass(frozen=True)
class EmbeddedBank:
    """As the module `browse.embedded`."""

    presets: Sequence[Preset]

    def embedded_shelf(self, synth: str) -> Shelf:
        from patchflow.engines import engines

        points = np.stack([engines[synth].space.encode(preset.values) for preset in self.presets])
        entries = [
            Entry(number, synth, (Label(preset.name, preset.category, preset.author, preset.tags),))
            for number, preset in enumerate(self.presets, 1)
        ]
        vectors, measures = preset_vectors(engines[synth], points)
        return Shelf(entries, vectors, measures)

    def embedded_preset(self, synth: str, number: int) -> Preset:
        return self.presets[number - 1]


def saws(decays: Sequence[float], wave: str = "saw", **known: object) -> list[Preset]:
    """Presets of the tone engine, called after how long they are."""
    made = []
    for decay in decays:
        values = {"wave": wave, "decay": decay, "gain": -6.0}
        made.append(Preset("tone", values, f"{wave} {decay:g}", **known))  # type: ignore[arg-type]
    return made


def listened_to(library: Library) -> Library:
    """The library, with the sound of all presets known."""
    shelf.listen_to(library)
    return library
