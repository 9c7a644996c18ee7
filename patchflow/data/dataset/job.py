"""Makes the items of a data set, each from the recipe, the presets and its number alone; who makes them, and where."""

import abc
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType

import numpy as np
import soundfile

from ...engines import Engine, Note, engines
from ...errors import RenderError
from ...features.mel import fingerprint
from ...presets import ParamSpace
from ...progress import ProgressCallback
from ..sampler import SAMPLE_KINDS, Sampler
from .pool import DatasetRecipe, Pool

__all__ = ["Executor", "Item", "Job"]

_LOUDEST = 1 - 2.0**-15  # the largest sample of 16 bits: +1 does not fit


@dataclass(frozen=True)
class Item:
    """One sound of a data set.

    Args:
        id: Its number.
        point: Encoded preset, float32, shape `(P,)`.
        note: The note it is played on.
        kind: One of `sampler.SAMPLE_KINDS`.
        sources: Rows of the pool that its preset was made of.
        flaws: Its flaws: some of `pool.FLAWS`, or `"failed"` where the synth could not play it.
        gain_db: Gain that was applied so that it does not clip, in dB, at most 0.
        flac: The sound; empty if it is left out.
        fingerprint: That of the sound, see `features.mel`; empty if the recipe compares no sounds.
    """

    id: int
    point: np.ndarray
    note: Note
    kind: str
    sources: tuple[int, ...]
    flaws: tuple[str, ...] = ()
    gain_db: float = 0.0
    flac: bytes = b""
    fingerprint: bytes = b""


@dataclass(frozen=True)
class Job:
    """A recipe and its presets: everything an executor needs to make any item, on any machine.

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
        """Draws and plays some items; the result does not depend on which are made together.

        Each is played on top of the state of the first preset that it was made of.

        Args:
            engine: An engine of the recipe's synth.
            numbers: Numbers of the items; the seed and the number decide all random draws of an item.
        """
        # Items of one state are played together, because to load a state, such as wavetables, is slow for some synths.
        items_of_state: dict[bytes, list[Item]] = {}
        for number in numbers:
            item = self._draw(number)
            items_of_state.setdefault(self.pool.state(item.sources), []).append(item)

        played: dict[int, Item] = {}
        for state, items in items_of_state.items():
            engine.build_on(state)
            points = np.stack([item.point for item in items])
            points = engine.sorted_parts(engine.canonical(points)).astype(np.float32)
            for item, point in zip(items, points, strict=True):
                played[item.id] = self._play(engine, replace(item, point=point))
        return [played[number] for number in numbers]

    def values(self, item: Item) -> str:
        """Returns the parameters of an item in native units, as JSON."""
        return json.dumps(self.space.decode(item.point.astype(float)), ensure_ascii=False)

    def name(self, item: Item) -> str:
        """Returns the name of its preset, or of the two that it was made of."""
        return " × ".join(self.pool.names[row] for row in item.sources)

    def tags(self, item: Item) -> list[str]:
        """Returns the tags of its presets, each once."""
        tags: list[str] = []
        for row in item.sources:
            tags += self.pool.tags[row]
        return list(dict.fromkeys(tags))

    def _draw(self, number: int) -> Item:
        # A generator of its own for each item: item k is the same whoever makes it, and whatever was made before.
        # The preset is drawn before the note; to change the order of draws changes every data set.
        rng = np.random.default_rng((self.recipe.seed, number))
        if not len(self.pool):
            point = self.space.snap(rng.random(len(self.space)))
            return Item(number, point, self._note(rng), "random", ())
        drawn = self._sampler.deal(1, rng)
        note = self._note(rng)
        kind = SAMPLE_KINDS[int(drawn.kinds[0])]
        rows = [int(row) for row in drawn.sources[0] if row >= 0]
        sources = tuple(dict.fromkeys(rows))  # once if a preset was crossed with itself
        return Item(number, drawn.points[0], note, kind, sources)

    def _note(self, rng: np.random.Generator) -> Note:
        recipe = self.recipe
        lowest, highest = recipe.pitch
        pitch = int(rng.integers(lowest, highest + 1))
        softest, hardest = recipe.velocity
        velocity = int(rng.integers(softest, hardest + 1))
        hold = float(np.exp(rng.uniform(*np.log(recipe.hold))))
        hold = float(np.clip(hold, *recipe.hold))  # exp(log(x)) may lie beside x
        return Note(pitch, velocity, hold, recipe.length)

    def _play(self, engine: Engine, drawn: Item) -> Item:
        try:
            sound = engine.render(drawn.point, drawn.note, self.recipe.rate)
        except RenderError:
            return replace(drawn, flaws=("failed",))
        return self._with_sound(drawn, sound)

    def _with_sound(self, drawn: Item, sound: np.ndarray) -> Item:
        """Returns the item with its sound, or with the flaws for which the recipe leaves it out."""
        recipe = self.recipe
        peak = float(np.abs(sound).max())
        if not np.isfinite(peak):
            return replace(drawn, flaws=("failed",))
        flaws: tuple[str, ...] = ()
        if peak < 10 ** (recipe.silence_db / 20):
            flaws += ("silent",)
        if peak > 1:
            flaws += ("clipped",)
        if set(flaws) & set(recipe.drop):
            return replace(drawn, flaws=flaws)

        # Integer samples end just below 1: a sound that is louder is turned down as a whole, never cut off.
        gain = min(1.0, _LOUDEST / max(peak, _LOUDEST))
        flac = _flac(sound * np.float32(gain), recipe.rate, recipe.bits)
        compared = fingerprint(sound, recipe.rate).tobytes() if recipe.radius_db else b""
        return replace(drawn, flaws=flaws, gain_db=20 * float(np.log10(gain)), flac=flac, fingerprint=compared)


class Executor(abc.ABC):
    """Makes the items of shards and packs them, somewhere.

    The same job gives the same bytes wherever and in whatever order it is done.

    Args:
        workers: Number of items or shards that are made at once; one a core if not given.
        address: Address of a cluster, for executors that use one.

    Raises:
        OptionError: By the constructor, if an argument is not allowed or a cluster cannot be reached.
        MissingDependency: By the constructor, if an optional package is not installed.

    Example:
        >>> # with executors["local"]() as executor: executor.run(job, [0, 1], keep=write, progress=print)
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self.workers = workers
        self.address = address

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def run(
        self, job: Job, shards: Iterable[int], keep: Callable[[int, bytes], None], progress: ProgressCallback
    ) -> None:
        """Makes shards.

        Args:
            job: The recipe and its presets.
            shards: Numbers of the shards to make.
            keep: Called with the number and the packed items of each finished shard, by one thread at a time.
            progress: Called with the number of items of these shards that are done, and of all of them.

        Raises:
            EngineError: If the synth cannot be loaded.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Releases workers and connections."""


def _flac(sound: np.ndarray, rate: int, bits: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, subtype=f"PCM_{bits}", format="FLAC")
    return buffer.getvalue()
