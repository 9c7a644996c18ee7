"""The interface every synth fulfils."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import PatchflowError, PresetError, RenderError
from ..presets import ParamSpace, Preset, Value

__all__ = ["Engine", "Note"]


@dataclass(frozen=True)
class Note:
    """A key that is pressed, held and released.

    Args:
        pitch: MIDI note, 0 to 127; 60 is middle C.
        velocity: MIDI velocity, 1 to 127.
        hold: Seconds from key down to key up.
        length: Seconds from key down to the end of the recording, at least 0.01.

    Raises:
        ValueError: If a value is out of its range.
    """

    pitch: int = 60
    velocity: int = 100
    hold: float = 3.0
    length: float = 4.0

    def __post_init__(self) -> None:
        if not 0 <= self.pitch <= 127:
            raise ValueError(f"pitch={self.pitch}: not in [0, 127]")
        if not 1 <= self.velocity <= 127:
            raise ValueError(f"velocity={self.velocity}: not in [1, 127]")
        if not 0 < self.hold <= 60:
            raise ValueError(f"hold={self.hold}: not in (0, 60] s")
        if not 0.01 <= self.length <= 60:
            raise ValueError(f"length={self.length}: not in [0.01, 60] s")

    def samples(self, rate: int) -> int:
        """Returns the length in samples at `rate` Hz."""
        return round(self.length * rate)


class Engine(abc.ABC):
    """A synthesizer that turns a preset and a note into sound.

    `render` leaves no state behind: the same call returns the same samples, whatever was
    rendered before (`tests/contracts/test_engines.py` holds every engine to that). One engine
    belongs to one thread; `Renderer` makes one for each.

    Example:
        >>> from patchflow.engines import Note, engines
        >>> tone = engines["tone"]()
        >>> tone.render(tone.space.default(), Note(hold=0.1, length=0.2)).shape
        (8820,)
    """

    space: ClassVar[ParamSpace]
    native: ClassVar[str]
    """Name of the synth's own preset format, in the registry of formats."""
    has_state: ClassVar[bool] = False
    """Whether presets hold more than the space, which `build_on` is for."""
    resynthesis: ClassVar[bool] = False
    """Whether presets can be made of a recording, see `patchflow.resynthesis`, which `unpack` and `build_on` take."""
    overhead: ClassVar[float] = 0.0
    """Seconds of sound that take as long as all that a note needs beside its sound: a copy of a process, mostly."""
    lacks: ClassVar[Mapping[str, str]] = {}
    """What no preset of the synth can have, and why, in words: `"noise"` is all that is asked for."""
    relatives: ClassVar[tuple[str, ...]] = ()
    """Names of the synths whose presets `unpack` makes into its own."""
    tuning: ClassVar[Mapping[tuple[str, ...], float]] = {}
    """Parameters that together transpose, the coarsest first, and how fine with those before them: cents from one pitch
    to the next."""
    tuning_needs: ClassVar[Mapping[tuple[str, ...], Mapping[str, Value]]] = {}
    """For keys of `tuning`: values of other parameters without which they transpose a part of the sound only.
    `transposed` sets them."""

    @property
    def tuning_step(self) -> float | None:
        """Cents from one pitch that `transposed` reaches to the next; None of a synth that cannot be transposed."""
        return min(self.tuning.values(), default=None)

    @abc.abstractmethod
    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note.

        Args:
            point: Encoded preset, shape `(P,)`; discrete coordinates may lie anywhere in a cell.
            note: What to play.
            rate: Sample rate, in Hz.

        Returns:
            Mono float32 samples, shape `(T,)` with `T = note.samples(rate)`; not limited to [-1, 1].
        """

    def build_on(self, state: bytes) -> None:  # noqa: B027 - most synths have nothing but their parameters
        """Makes later renders start from what a preset has beyond the space, such as wavetables.

        Args:
            state: See `Preset.state`; `b""` for a fresh preset. An engine without states ignores it.

        Raises:
            PresetError: If it is damaged.
        """

    def expect_many(self) -> None:  # noqa: B027 - most synths have nothing to prepare
        """Prepares for many renders on the state of the last `build_on`; a synth that gains nothing ignores it."""

    def limit(self, until: float) -> None:  # noqa: B027 - most synths never hang
        """Makes later renders fail that are not done in time; a synth that cannot hang ignores it.

        Args:
            until: As `time.monotonic` counts; infinity for no limit.
        """

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """Returns points that sound the same, with every parameter that cannot be heard at its default.

        Args:
            points: Encoded presets, shape `(N, P)`.

        Returns:
            Encoded presets, shape `(N, P)`. An engine without such parameters returns them as they are.
        """
        return points

    def sorted_parts(self, points: np.ndarray) -> np.ndarray:
        """Returns points that sound the same, with parts that may change places in one order.

        Then a model need not learn every order, and a crossover of two presets keeps parts that belong together.

        Args:
            points: Canonical encoded presets, shape `(N, P)`.

        Returns:
            Encoded presets, shape `(N, P)`. An engine without such parts returns them as they are.
        """
        return points

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Returns points that sound higher by some cents, on the same key, as near as the synth comes to that.

        Args:
            points: Encoded presets, shape `(N, P)`.
            cents: How much higher each should sound, negative for lower, shape `(N,)`.
            free: Which parameters may be changed, boolean, shape `(P,)`; all if None.

        Returns:
            Encoded presets, shape `(N, P)`, of the same timbre but for what `tuning_needs` sets; as they were where
            nothing that is free transposes.
        """
        return points

    @classmethod
    def whole(cls, preset: Preset) -> Preset:
        """Returns the preset as the synth's own files hold it: of a synth with fewer parameters, with all of them.

        Args:
            preset: Complete, with allowed values.
        """
        return preset

    def unpack(self, preset: Preset) -> Preset:
        """Returns a preset of this synth, given one that has only `state`, or one of a relative.

        Args:
            preset: As an opaque format reads it, see `PresetFormat.opaque`, or of one of the `relatives`.

        Raises:
            PresetError: If the synth does not take it, or its values are beyond the limits of the space.
            RenderError: If the synth crashes or hangs on it.
        """
        raise PresetError(f"{preset.name or 'preset'}: this synth has no presets that only it understands")

    def unpack_all(self, presets: Sequence[Preset]) -> list[Preset | PatchflowError]:
        """Returns what `unpack` makes of each preset, or the error that it raises.

        Args:
            presets: As `unpack` takes them; many together may take much less time.
        """
        return [self._unpacked(preset) for preset in presets]

    def _unpacked(self, preset: Preset) -> Preset | PatchflowError:
        try:
            return self.unpack(preset)
        except (PresetError, RenderError) as error:
            return error

    def texts(self, preset: Preset) -> Mapping[str, str]:
        """Returns what the synth itself shows for values, by parameter, where that says more than the value does.

        Args:
            preset: Complete, with allowed values.

        Returns:
            Such as `{"osc_range": "8 ft"}`, where the value is 3; nothing of a synth that shows what our values are.

        Raises:
            EngineError: If the synth has to be asked, and cannot be loaded or crashes.
        """
        return {}

    def pack(self, preset: Preset) -> Preset:
        """Returns a preset with all that its native file needs, and with the values that are read from that file.

        Args:
            preset: Complete, with allowed values; these win over what `state` holds.

        Raises:
            RenderError: If the synth crashes or hangs on it.
        """
        return preset
