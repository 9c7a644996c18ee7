"""The recipe of a data set: all settings that decide its content."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import OptionError, UnknownName
from ...settings import check_ranges, check_shares, read_settings

__all__ = ["FLAWS", "DatasetRecipe", "read_dataset_recipe"]

FLAWS = ("silent", "clipped", "duplicates")
"""What can be left out: inaudible sounds, sounds that had to be turned down, all but the first of equal sounds."""


@dataclass(frozen=True)
class DatasetRecipe:
    """The settings of a data set; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        synth: Name of the engine.
        presets: Sources of presets: banks (`.npz`), libraries (`.sqlite`), preset files, folders of them.
        part: Only presets of this part of a bank, e.g. `"train"`; all if empty.
        items: Number of sounds that are drawn; those that are left out are not made up for.
        shard: Items that are drawn for one file.
        plain: Share of presets as they are.
        crossed: Share of crossovers of two presets.
        jittered: Share of presets with some parameters moved; the rest are random: shuffled over the presets, or
            even over all values if there are none.
        pitch: Lowest and highest MIDI note.
        velocity: Smallest and largest MIDI velocity.
        hold: Shortest and longest time from key down to key up, in seconds; drawn evenly in its logarithm.
        length: Duration of a sound, in seconds.
        rate: Sample rate, in Hz.
        bits: Bits of a sample, 16 or 24.
        channels: Always 1: engines play mono.
        silence_db: Peak below which a sound is silent, in dB relative to full scale.
        radius_db: Mean distance of two spectrograms up to which sounds are twins, in dB; 0 compares none.
        drop: What is left out, see `FLAWS`; all of it is counted.
        title: Name of the data set, for its card.
        license: For its card, e.g. `"cc-by-4.0"`.
        seed: Seed of all random draws.

    Raises:
        OptionError: If a value is not allowed.
        UnknownName: If `drop` names something else.
    """

    synth: str
    presets: tuple[str, ...] = ()
    part: str = ""
    items: int = 10_000
    shard: int = 1_000
    plain: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25
    pitch: tuple[int, int] = (24, 96)
    velocity: tuple[int, int] = (20, 127)
    hold: tuple[float, float] = (0.2, 3.5)
    length: float = 4.0
    rate: int = 44_100
    bits: int = 16
    channels: int = 1
    silence_db: float = -60.0
    radius_db: float = 1.0
    drop: tuple[str, ...] = ("silent", "duplicates")
    title: str = ""
    license: str = "other"
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_shares(plain=self.plain, crossed=self.crossed, jittered=self.jittered)
        if self.bits not in (16, 24):
            raise OptionError(f"bits={self.bits}: not 16 or 24")
        for name in ("pitch", "velocity", "hold"):
            low, high = getattr(self, name)
            if low > high:
                raise OptionError(f"{name}=[{low}, {high}]: the first is above the second")
        for flaw in self.drop:
            if flaw not in FLAWS:
                raise UnknownName("flaw to drop", flaw, FLAWS)
        if not self.presets and self.plain + self.crossed + self.jittered > 0:
            raise OptionError("presets=[]: plain, crossed and jittered need some; give presets, or 0 for all three")

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "DatasetRecipe":
        """Returns the recipe of values as `plain_values` gives them.

        Raises:
            TypeError: If a key is unknown or missing.
        """
        fields: dict[str, Any] = dict(values)
        for key, value in values.items():
            if isinstance(value, list):  # JSON has no tuples
                fields[key] = tuple(value)
        return cls(**fields)

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.items // self.shard)

    def numbers(self, shard: int) -> range:
        """Returns the numbers of the items that are drawn for a file."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.items))

    def plain_values(self) -> dict[str, Any]:
        """Returns all settings, JSON-serialisable, tuples as lists."""
        return json.loads(json.dumps(asdict(self)))


_RANGES = (
    ("items", 1, 1e10),
    ("shard", 1, 1e5),
    ("plain", 0, 1),
    ("crossed", 0, 1),
    ("jittered", 0, 1),
    ("pitch", 0, 127),
    ("velocity", 1, 127),
    ("hold", 0.001, 60),
    ("length", 0.01, 60),
    ("rate", 4_000, 192_000),
    ("channels", 1, 1),
    ("silence_db", -200, 0),
    ("radius_db", 0, 20),
    ("seed", 0, 2**32 - 1),
)


def read_dataset_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> DatasetRecipe:
    """Reads a TOML recipe of a data set and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    return read_settings(path, DatasetRecipe, overrides, kind="dataset")
