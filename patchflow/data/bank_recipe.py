"""The recipe of a bank: which preset files it is made of, how many presets are drawn, and the way to the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engines import Engine, Renderer, engines
from ..errors import OptionError, StorageError
from ..progress import ProgressCallback, ignore
from ..settings import check_ranges, read_settings
from ..storage import make_folder
from .bank import Bank, make_bank, split_families
from .dataset.pool import DatasetRecipe, Pool, read_pool
from .sampler import random_presets, read_roles

__all__ = ["BankRecipe", "MadeBank", "bank_of_recipe", "read_bank_recipe"]

_FEWEST = 4  # families: two to learn from, one for validation, one for test


@dataclass(frozen=True)
class BankRecipe:
    """All settings that decide the content of a bank; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        synth: Name of the engine.
        presets: Preset files, folders of them, libraries (`.sqlite`).
        drawn: Number of presets that are drawn and added: for a synth without presets.
        roles: A file that says how people make presets of the synth, see `Roles`: what is drawn is drawn from
            it. Around the synth's fresh preset if empty.
        played: Whether each preset is played once, to leave out silent ones and to find sound families. If not, all
            are kept and each drawn preset is a family: for more of them than there is time to play.
        seed: Seed of what is drawn.

    Raises:
        OptionError: If a value is not allowed, or there is nothing to make a bank of.
    """

    synth: str
    presets: tuple[str, ...] = ()
    drawn: int = 0
    roles: str = ""
    played: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, (("drawn", 0, 1e7), ("seed", 0, 2**32 - 1)))
        if not self.presets and not self.drawn:
            raise OptionError(
                "presets=[], drawn=0: a bank of nothing. Give a folder of preset files (presets=FOLDER), "
                "or a number of presets to draw (drawn=3000)."
            )
        if self.roles and not self.drawn:
            raise OptionError(
                f"roles={self.roles!r}, drawn=0: nothing is drawn. Give a number of presets (drawn=3000)."
            )


@dataclass(frozen=True)
class MadeBank:
    """A bank that was written.

    Args:
        file: Where it lies.
        counts: Numbers of presets in all and in each part, of families, of presets that were drawn, of those that
            were left out because they did not fit the synth or were damaged (`rejected`), and of silent ones.
    """

    file: Path
    counts: dict[str, int]


def read_bank_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> BankRecipe:
    """Reads a TOML recipe of a bank and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML or not of a bank, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    return read_settings(path, BankRecipe, overrides, kind="bank")


def bank_of_recipe(
    recipe: BankRecipe, out: str | Path, progress: ProgressCallback = ignore, threads: int | None = None
) -> MadeBank:
    """Reads and draws presets, plays each once, finds sound families, deals them to the parts, and writes the bank.

    Presets are read strictly: what would have to be mended is rejected, and counted.

    Args:
        recipe: What to make it of.
        out: The file, whose ending is `.npz`; a bank that is there is replaced.
        progress: Called with the number of files that were read, then of presets that were played, and of all.
        threads: Number of threads that render; all cores if not given.

    Raises:
        OptionError: If the file has another ending.
        StorageError: If a source cannot be read, or `out` cannot be written or is there and no bank.
        PresetError: If a source has no preset of the synth, or hardly any can be heard.
        EngineError: If the synth cannot be loaded.
        UnknownName: If there is no such synth.
    """
    out = Path(out)
    _check_place(out)
    make = engines[recipe.synth]
    # of the recipe of a data set, only what names presets counts here
    sources = DatasetRecipe(recipe.synth, recipe.presets, plain=0.0, crossed=0.0, jittered=0.0)
    pool = read_pool(sources, make(), progress)
    drawn = _drawn(recipe, make)
    points = np.concatenate([pool.points, drawn])
    names = (*pool.names, *[""] * len(drawn))
    family = _families(pool, len(drawn))
    if recipe.played:
        with Renderer(make, threads) as renderer:
            bank = make_bank(points, names, renderer, family=family, split=_split, progress=progress)
    else:
        bank = Bank(points, family, np.asarray(names), _split(points, family))
    make_folder(out.parent)
    bank.save(out)
    parts = {part: int((bank.split == part).sum()) for part in ("train", "valid", "test")}
    counts = {
        "presets": len(bank.points),
        **parts,
        "families": len(np.unique(bank.family)),
        "drawn": len(drawn),
        "rejected": pool.rejected,
        "silent": len(points) - len(bank.points),
    }
    return MadeBank(out, counts)


def _check_place(out: Path) -> None:
    if out.suffix != ".npz":
        raise OptionError(f"-o {out}: a bank is one file whose name ends in .npz, e.g. -o cache/bank.npz")
    if out.exists():
        try:
            Bank.load(out)
        except StorageError as error:
            raise StorageError(f"{out}: is there already and no bank. Give another name.") from error


def _drawn(recipe: BankRecipe, make: type[Engine]) -> np.ndarray:
    """Presets of some roles, or around the synth's fresh one, canonical, shape `(drawn, P)`."""
    if not recipe.drawn:
        return np.empty((0, len(make.space)))
    rng = np.random.default_rng(recipe.seed)
    if recipe.roles:
        points = read_roles(recipe.roles, make.space, recipe.synth).draw(recipe.drawn, rng).points
    else:
        points = random_presets(make.space, recipe.drawn, rng)
    return make().canonical(make.space.snap(points))


def _families(pool: Pool, drawn: int) -> np.ndarray:
    """Families known before anything is played: those of the sources, and one of its own for each drawn preset."""
    first = int(pool.family.max()) + 1 if len(pool) else 0
    return np.concatenate([pool.family, first + np.arange(drawn)])


def _split(_: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Deals families at random; of few ones, at least one to each part, so that any bank can be learned from."""
    split = split_families(family)
    names = np.unique(family)
    if len(names) < _FEWEST or {"train", "valid", "test"} <= set(split.tolist()):
        return split
    shuffled = np.random.default_rng(0).permutation(names)
    split = np.full(len(family), "train")
    split[family == shuffled[0]] = "valid"
    split[family == shuffled[1]] = "test"
    return split
