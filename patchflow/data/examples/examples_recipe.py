"""The recipe of examples: which presets of which bank, played how, heard how, divided how."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...engines import Note
from ...errors import OptionError, UnknownName
from ...features.inputs import inputs
from ...settings import check_ranges, read_settings, read_table

__all__ = ["ExamplesRecipe", "is_examples_recipe", "read_examples_recipe"]


@dataclass(frozen=True)
class ExamplesRecipe:
    """All that decides what examples hold.

    Args:
        synth: Name of the engine.
        bank: File of presets, see `Bank`: of the synth, or of the one it has some parameters of.
        hears: What is made of the sounds, see `features.inputs`; it also says their rate and length.
        pitch: MIDI note that all presets are played on.
        velocity: MIDI velocity of it.
        hold: Seconds it is held.
        folds: Number of parts that the families are dealt to; each is the test set of one fold.
        valid: Share of what is not the test set of a fold that is kept for validation.
        radius_db: Sounds at most this far apart, as log-mel L1, are of one family.
        tagged: Share of the training presets that one of a pair of opposite words describes.
        items: Number of presets of the bank, drawn at random; all if 0.
        seed: Of all chance.

    Raises:
        OptionError: If a value is not allowed.
        UnknownName: If there is no such input.
    """

    synth: str
    bank: str
    hears: str = "paper"
    pitch: int = 60
    velocity: int = 100
    hold: float = 3.0
    folds: int = 5
    valid: float = 0.1
    radius_db: float = 1.0
    tagged: float = 0.31
    items: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if self.hears not in inputs:
            raise UnknownName("input", self.hears, inputs)
        if self.hold > inputs[self.hears].length:
            raise OptionError(f"hold={self.hold:g}: more than the {inputs[self.hears].length:g} s that are heard")

    @property
    def note(self) -> Note:
        """What is played."""
        return Note(self.pitch, self.velocity, self.hold, inputs[self.hears].length)

    def plain_values(self) -> dict[str, Any]:
        """Returns all settings as JSON has them."""
        return json.loads(json.dumps(asdict(self)))


_RANGES = (
    ("pitch", 0, 127),
    ("velocity", 1, 127),
    ("hold", 0.01, 60),
    ("folds", 2, 100),
    ("valid", 0, 0.5),
    ("radius_db", 0, 20),
    ("tagged", 0, 1),
    ("items", 0, 1e8),
    ("seed", 0, 2**32 - 1),
)


def read_examples_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> ExamplesRecipe:
    """Reads a TOML recipe of examples and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    return read_settings(path, ExamplesRecipe, overrides)


def is_examples_recipe(path: str | Path) -> bool:
    """Returns whether a file is a recipe of examples, which names a bank, and not one of another data set.

    Raises:
        StorageError: If the file cannot be read.
    """
    try:
        return "bank" in read_table(path)
    except OptionError:
        return False  # whoever reads it next says what is wrong
