"""What has to be made: every item of a data set, from the recipe, the presets and its number alone."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import soundfile

from ...engines import Engine, Note, engines
from ...errors import RenderError
from ...features.fingerprint import fingerprint
from ...presets import ParamSpace
from ..sampler import KINDS, Sampler
from .dataset_recipe import DatasetRecipe
from .pool import Pool

__all__ = ["Item", "Job"]

_TOP = 1 - 2.0**-15  # the loudest sample that fits


@dataclass(frozen=True)
class Item:
    """One sound of a data set.

    Args:
        id: Its number.
        point: Encoded preset, float32, shape `(P,)`.
        note: How it is played.
        kind: One of `sampler.KINDS`.
        sources: Rows of the pool that its preset was made of.
        flaws: What is wrong with it: those of `recipe.FLAWS`, or `"failed"` where the synth could not play it.
        gain_db: How much it was turned down to fit, in dB.
        flac: The sound; empty if it is left out.
        print: Its fingerprint; empty if none is wanted.
    """

    id: int
    point: np.ndarray
    note: Note
    kind: str
    sources: tuple[int, ...]
    flaws: tuple[str, ...] = ()
    gain_db: float = 0.0
    flac: bytes = b""
    print: bytes = b""


@dataclass(frozen=True)
class Job:
    """A recipe and its presets: all that an executor needs to make any item, on any machine.

    Args:
        recipe: The recipe.
        pool: The presets it names.

    Example:
        >>> from patchflow.data.dataset import DatasetRecipe, read_pool
        >>> recipe = DatasetRecipe("tone", plain=0, crossed=0, jittered=0, length=0.5)
        >>> tone = engines["tone"]()
        >>> (item,) = Job(recipe, read_pool(recipe, tone)).items(tone, [7])
        >>> item.kind, item.flac[:4]
        ('random', b'fLaC')
    """

    recipe: DatasetRecipe
    pool: Pool

    @cached_property
    def space(self) -> ParamSpace:
        """The parameters of the synth."""
        return engines[self.recipe.synth].space

    @cached_property
    def _sampler(self) -> Sampler:
        return self.pool.sampler(self.space, self.recipe)

    def items(self, engine: Engine, numbers: Sequence[int]) -> list[Item]:
        """Draws and plays some items; a few at once are drawn faster than one by one, and are the same.

        Each is played on top of the rest of the first preset that it was made of.

        Args:
            engine: Of the recipe's synth.
            numbers: Which ones; each and the seed are all that chance depends on.
        """
        drawn = [self._draw(number) for number in numbers]
        groups: dict[bytes, list[Item]] = {}
        for item in drawn:
            groups.setdefault(self.pool.rest(item.sources), []).append(item)
        played: dict[int, Item] = {}
        for rest, items in groups.items():
            engine.build_on(rest)
            points = engine.arranged(engine.canonical(np.stack([item.point for item in items]))).astype(np.float32)
            for item, point in zip(items, points, strict=True):
                played[item.id] = self._play(engine, replace(item, point=point))
        return [played[number] for number in numbers]

    def values(self, item: Item) -> str:
        """Returns the parameters of an item in native units, as JSON."""
        return json.dumps(self.space.decode(item.point.astype(float)), ensure_ascii=False)

    def name(self, item: Item) -> str:
        """Returns what its preset is called, or the two that it was made of."""
        return " × ".join(self.pool.names[row] for row in item.sources)

    def tags(self, item: Item) -> list[str]:
        """Returns the tags of its presets, each once."""
        return list(dict.fromkeys(tag for row in item.sources for tag in self.pool.tags[row]))

    def _draw(self, number: int) -> Item:
        rng = np.random.default_rng((self.recipe.seed, number))
        if not len(self.pool):
            point = self.space.snap(rng.random(len(self.space)))
            return Item(number, point, self._note(rng), "random", ())
        drawn = self._sampler.deal(1, rng)
        sources = dict.fromkeys(int(row) for row in drawn.sources[0] if row >= 0)
        return Item(number, drawn.points[0], self._note(rng), KINDS[int(drawn.kinds[0])], tuple(sources))

    def _note(self, rng: np.random.Generator) -> Note:
        recipe = self.recipe
        pitch, velocity = (int(rng.integers(low, high + 1)) for low, high in (recipe.pitch, recipe.velocity))
        hold = float(np.exp(rng.uniform(*np.log(recipe.hold))))
        return Note(pitch, velocity, float(np.clip(hold, *recipe.hold)), recipe.length)

    def _play(self, engine: Engine, drawn: Item) -> Item:
        try:
            sound = engine.render(drawn.point, drawn.note, self.recipe.rate)
        except RenderError:
            return replace(drawn, flaws=("failed",))
        return self._heard(drawn, sound)

    def _heard(self, drawn: Item, sound: np.ndarray) -> Item:
        recipe, peak = self.recipe, float(np.abs(sound).max())
        if not np.isfinite(peak):
            return replace(drawn, flaws=("failed",))
        flaws = ("silent",) * (peak < 10 ** (recipe.silence_db / 20)) + ("clipped",) * (peak > 1)
        if set(flaws) & set(recipe.drop):
            return replace(drawn, flaws=flaws)
        gain = min(1.0, _TOP / max(peak, _TOP))
        flac = _flac(sound * np.float32(gain), recipe.rate, recipe.bits)
        seen = fingerprint(sound, recipe.rate).tobytes() if recipe.radius_db else b""
        return replace(drawn, flaws=flaws, gain_db=20 * float(np.log10(gain)), flac=flac, print=seen)


def _flac(sound: np.ndarray, rate: int, bits: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, subtype=f"PCM_{bits}", format="FLAC")
    return buffer.getvalue()
