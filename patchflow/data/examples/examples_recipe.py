"""The recipe of examples: presets of a bank, the note, the model input, families and folds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...engines import Note
from ...errors import OptionError, UnknownName
from ...features.inputs import inputs
from ...settings import check_ranges, read_settings

__all__ = ["ExamplesRecipe", "read_examples_recipe"]


@dataclass(frozen=True)
class ExamplesRecipe:
    """All settings that decide the content of examples.

    Args:
        synth: Name of the engine.
        bank: File of presets, see `Bank`: of the synth, or of the one it has some parameters of.
        input: Name of the model input, see `features.inputs`; it also fixes the sounds' rate and length.
        pitch: MIDI note that all presets are played on.
        velocity: MIDI velocity of it.
        hold: Seconds it is held.
        folds: Number of folds; every family is in the test set of at most one.
        valid: Share of what is not the test set of a fold that is kept for validation.
        radius_db: Sounds at most this far apart, as log-mel L1, are of one family.
        tagged: Share of the training presets that get a tag of each measured attribute, half of them each end.
        items: Number of presets of the bank, drawn at random; all if 0.
        seed: Seed of all random draws.

    Raises:
        OptionError: If a value is not allowed.
        UnknownName: If there is no such input.
    """

    synth: str
    bank: str
    input: str = "paper"
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
        if self.input not in inputs:
            raise UnknownName("input", self.input, inputs)
        if self.hold > inputs[self.input].length:
            raise OptionError(f"hold={self.hold:g}: more than the {inputs[self.input].length:g} s of the model input")

    @property
    def note(self) -> Note:
        """The note that every preset is played on."""
        return Note(self.pitch, self.velocity, self.hold, inputs[self.input].length)

    def plain_values(self) -> dict[str, Any]:
        """Returns all settings, JSON-serialisable, tuples as lists."""
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
    return read_settings(path, ExamplesRecipe, overrides, kind="examples")
