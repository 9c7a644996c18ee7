"""A synth with fewer parameters: some of another's, as listed in a small TOML file."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import EngineError, PresetError, StorageError, UnknownName
from ..parsing import toml_table
from ..presets import ParamSpace, Preset, Value, check
from ..settings import check_table, quoted
from ._engine import Engine, Note
from ._plugin.description_file import read_synth_file, synth_files, synths_folder

__all__ = ["Selection", "Subset", "parse_selection", "read_selection", "selection_text", "subset_files", "subset_of"]


@dataclass(frozen=True)
class Selection:
    """Which parameters of a synth are free, and what the others are.

    Args:
        name: What `--synth` calls it.
        engine: Name of the synth it is of.
        parameters: The free ones, in the order of the new synth.
        voice: A complete preset of the synth, in native units; its values of the free ones are their defaults.
    """

    name: str
    engine: str
    parameters: tuple[str, ...]
    voice: Mapping[str, Value]


class Subset(Engine):
    """A synth with fewer parameters. Its subclasses are made by `subset_of`, one for each selection.

    Its points have a coordinate for each free parameter, encoded as in the whole synth: a parameter of whole numbers
    keeps its cells, so that any number from 0 to 1 stands for the step whose cell it lies in. What is written to the
    synth's own files is the whole preset.
    """

    selection: ClassVar[Selection]
    base: ClassVar[type[Engine]]
    _voice: ClassVar[np.ndarray]
    _places: ClassVar[list[int]]

    def __init__(self) -> None:
        self._engine = self.base()

    @classmethod
    def completed(cls, points: np.ndarray) -> np.ndarray:
        """Returns whole presets: the free parameters as given, all else as in the voice.

        Args:
            points: Encoded presets, shape `(..., P)`.

        Returns:
            Encoded presets of the whole synth, shape `(..., Q)`.
        """
        points = np.asarray(points)
        whole = np.empty((*points.shape[:-1], len(cls._voice)), points.dtype)
        whole[...] = cls._voice
        whole[..., cls._places] = points
        return whole

    @classmethod
    def projected(cls, points: np.ndarray) -> np.ndarray:
        """Returns the free parameters of whole presets; all others are dropped.

        Args:
            points: Encoded presets of the whole synth, shape `(..., Q)`.

        Returns:
            Encoded presets, shape `(..., P)`.
        """
        return np.asarray(points)[..., cls._places]

    @classmethod
    def whole(cls, preset: Preset) -> Preset:
        """Returns the preset of the whole synth that sounds the same; see `Engine.whole`."""
        check(preset, cls.space)
        return replace(preset, synth=cls.selection.engine, values={**cls.selection.voice, **preset.values})

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        return self._engine.render(self.completed(point), note, rate)

    def build_on(self, state: bytes) -> None:
        """Makes later renders start from a state; see `Engine.build_on`."""
        self._engine.build_on(state)

    def limit(self, until: float) -> None:
        """Makes later renders fail that are not done in time; see `Engine.limit`."""
        self._engine.limit(until)

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """Resets what cannot be heard to the voice's values; see `Engine.canonical`."""
        # The whole synth may find several parameters inaudible together, of which only some are free here. Then
        # resetting those would change the sound. So a preset is changed only where the whole synth still
        # makes the same canonical preset of it.
        points = self.space.snap(points)
        canonical = self._engine.canonical(self.completed(points))
        reset = np.where(self.projected(canonical) != points, self.space.default(), points)
        same = (self._engine.canonical(self.completed(reset)) == canonical).all(-1, keepdims=True)
        return np.where(same, reset, points)

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Moves the pitch with what is free; see `Engine.transposed`."""
        whole = np.zeros(len(self._voice), bool)
        whole[self._places] = True if free is None else free
        return self.projected(self._engine.transposed(self.completed(points), cents, whole))

    def unpack(self, preset: Preset) -> Preset:
        """Reads a preset of the whole synth and drops what is not free; see `Engine.unpack`."""
        whole = preset if preset.synth else self._engine.unpack(preset)
        if whole.synth != self.selection.engine:
            raise PresetError(f"{preset.name or 'preset'}: is for {whole.synth!r}, not {self.selection.engine!r}")
        check(whole, self.base.space)
        return self._part(whole)

    def pack(self, preset: Preset) -> Preset:
        """Returns the preset with the whole synth's own file in `state`; see `Engine.pack`."""
        return self._part(self._engine.pack(self.whole(preset)))

    def texts(self, preset: Preset) -> Mapping[str, str]:
        """See `Engine.texts`."""
        texts = self._engine.texts(self.whole(preset))
        return {name: texts[name] for name in self.space.names if name in texts}

    def _part(self, whole: Preset) -> Preset:
        values = {name: whole.values[name] for name in self.space.names}
        return replace(whole, synth=self.selection.name, values=values)


def subset_of(selection: Selection, base: type[Engine]) -> type[Subset]:
    """Returns the engine of a selection.

    Args:
        selection: Which parameters are free.
        base: The synth it is of.

    Raises:
        UnknownName: If a name is not a parameter of it.
        PresetError: If the voice is not complete, or a value is not allowed.

    Example:
        >>> from patchflow.engines.tone import Tone
        >>> Short = subset_of(Selection("short", "tone", ("decay",), {"wave": "saw", "decay": 0.1, "gain": -6.0}), Tone)
        >>> Short.space.names, Short.completed(Short.space.default()).shape
        (('decay',), (3,))
    """
    for name in selection.parameters:
        if name not in base.space.index:
            raise UnknownName(f"parameter of {selection.engine}", name, base.space.names)
    voice = base.space.encode(selection.voice)
    places = [base.space.index[name] for name in selection.parameters]
    free = [base.space.parameters[place] for place in places]
    space = ParamSpace(tuple(replace(parameter, default=selection.voice[parameter.name]) for parameter in free))
    needed = {names: _needed(names, selection, base) for names in base.tuning}
    able = {names for names, needs in needed.items() if set(names) | set(needs) <= set(selection.parameters)}
    # A class, not an object: `engines` gives out classes, and a renderer makes an engine of one in each thread.
    about = {
        "__doc__": f"Some parameters of {selection.engine}, all others as in one voice.",
        "__module__": __name__,
        "selection": selection,
        "relatives": (selection.engine,),
        "has_state": base.has_state,
        "overhead": base.overhead,
        "lacks": base.lacks,
        "base": base,
        "_voice": voice,
        "_places": places,
        "space": space,
        "native": base.native,
        "tuning": {names: step for names, step in base.tuning.items() if names in able},
        "tuning_needs": {names: needs for names, needs in needed.items() if names in able and needs},
    }
    return type(selection.name, (Subset,), about)


def _needed(names: tuple[str, ...], selection: Selection, base: type[Engine]) -> dict[str, Value]:
    """What parameters that transpose need, without what the voice always has."""
    needs = base.tuning_needs.get(names, {})
    free = set(selection.parameters)
    return {name: value for name, value in needs.items() if name in free or selection.voice[name] != value}


_OWN = Path(__file__).parent / "subsets"
_LARGEST = 2**20  # bytes
_KEYS = {"engine": str, "parameters": list, "voice": dict}


def subset_files() -> dict[str, Path]:
    """Returns the files by their synths: the shipped ones, and those in `subsets` beside the descriptions.

    Raises:
        StorageError: If the folder cannot be read.
    """
    found: dict[str, Path] = {}
    folder = None
    with suppress(StorageError):  # who has no folder has no synths of their own
        folder = synths_folder() / "subsets"
    if folder is not None:
        found = synth_files(folder)
    # the shipped ones last: they win, as they do over descriptions
    return found | synth_files(_OWN)


def read_selection(path: Path) -> Selection:
    """Reads a selection.

    Raises:
        StorageError: If the file cannot be read.
        EngineError: If it is not a selection; one line names file, key and value.
    """
    return read_synth_file(path, parse_selection, _LARGEST)


def parse_selection(text: str, name: str) -> Selection:
    r"""Returns the selection in a text; see `read_selection`.

    Example:
        >>> parse_selection('engine = "tone"\nparameters = []\n[voice]', "a")
        Traceback (most recent call last):
        patchflow.errors.EngineError: parameters=[]: none
    """
    table: dict[str, Any] = toml_table(text)
    check_table(table, _KEYS, tuple(_KEYS), EngineError)
    names = table["parameters"]
    if not names:
        raise EngineError("parameters=[]: none")
    for parameter in names:
        if not isinstance(parameter, str) or names.count(parameter) > 1:
            raise EngineError(f"parameters: {parameter!r} is not a text, or comes twice")
    return Selection(name, table["engine"], tuple(names), table["voice"])


def selection_text(selection: Selection, about: str) -> str:
    r"""Returns the content of a file that `read_selection` reads.

    Args:
        selection: What to write.
        about: What it says on top.

    Example:
        >>> text = selection_text(Selection("a", "tone", ("gain",), {"wave": "saw", "gain": -6.0}), "The level alone.")
        >>> parse_selection(text, "a").voice["wave"]
        'saw'
    """
    head = "".join(f"# {line}\n" for line in about.splitlines())
    names = "".join(f"  {quoted(name)},\n" for name in selection.parameters)
    voice = "".join(f"{quoted(name)} = {_value(value)}\n" for name, value in selection.voice.items())
    return f'{head}\nengine = "{selection.engine}"\nparameters = [\n{names}]\n\n[voice]\n{voice}'


def _value(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
