"""Draws the picture of a match in a process of its own, beside the search.

To draw takes a library that needs a second to load. A thread that loads it holds the interpreter, so the search stands
still; another process takes nothing from it while there is a core to spare. If there is no such process, or it does not
answer, the picture is drawn in this one.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ...errors import EngineError
from ...hosts import Answer, Host, HostProcess

__all__ = ["Drawer", "Panel", "begin_drawing", "draw", "drawing_beside", "with_levels"]

COLUMNS = 6  # columns that are drawn at most
_PATIENCE = 30.0  # seconds after which a picture is drawn in this process

# The spectrograms of the picture: bands of equal width on a scale of logarithmic frequency, so lows have their room.
PICTURE_RATE = 22_050  # Hz
LOW = 30.0  # Hz
CENTS = 50.0
BANDS = math.ceil(1200 * math.log2(11_000 / LOW) / CENTS) - 2
HOP = 256
FLOOR_DB = 80.0
_HIGH = 11_000.0  # Hz
_WINDOWS = {125.0: 8_192, 500.0: 4_096, 2_000.0: 2_048}  # by Hz: long ones part low notes, short ones show attacks
_LEAST = 1e-15  # power of what is silence


@dataclass(frozen=True)
class Panel:
    """One column of the picture.

    Args:
        sound: Samples, shape `(T,)`.
        title: A few words in large letters, e.g. how close it is.
        caption: A few words below it in small letters, e.g. the file.
        details: Up to two lines more, e.g. the note, and what differs.
        levels: Its spectrogram, see `with_levels`, shape `(F, N)`; None until it is drawn.
    """

    sound: np.ndarray
    title: str
    caption: str
    details: tuple[str, ...] = ()
    levels: np.ndarray | None = None


def with_levels(panels: Sequence[Panel], rate: int) -> list[Panel]:
    """Returns the panels with the spectrograms that those without one lack.

    They are not measured where the picture is drawn: drawing needs no torch, which takes more than a second to load.

    Args:
        panels: Sounds.
        rate: Their sample rate, in Hz.
    """
    measured = []
    for panel in panels:
        levels = _levels(panel.sound, rate) if panel.levels is None else panel.levels
        measured.append(replace(panel, levels=levels))
    return measured


def _levels(sound: np.ndarray, rate: int) -> np.ndarray:
    """Levels below the loudest, in dB, float32, shape `(BANDS, N)`; every band by the windows that suit it."""
    import torch

    from ...audio.conditioning import resample
    from ...features.log_spectrum import log_bands

    x = torch.from_numpy(np.ascontiguousarray(resample(sound, rate, PICTURE_RATE), np.float32))[None]
    centres = LOW * 2 ** (np.arange(1, BANDS + 1) * CENTS / 1200)
    levels = np.zeros(1)
    for row, n_fft in enumerate(_WINDOWS.values()):
        power = log_bands(x, PICTURE_RATE, n_fft=n_fft, hop=HOP, low=LOW, high=_HIGH, cents=CENTS)[0].numpy()
        # Each window fades into the next, and a tone has the same level in all of them.
        share = np.interp(np.log(centres), np.log(list(_WINDOWS)), np.eye(len(_WINDOWS))[row])
        levels = levels + share[:, None] * 10 * np.log10(power / n_fft**2 + _LEAST)
    # Levels are relative to the loudest cell. Silence has none that is louder: it would be drawn all bright.
    peak = levels.max() if sound.any() else 0.0
    return np.maximum(levels - peak, -FLOOR_DB).astype(np.float32)


def draw(panels: Sequence[Panel], rate: int) -> bytes:
    """Returns the picture of some panels, see `picture.plot`, the same wherever it is drawn."""
    return begin_drawing(panels, rate)()


def begin_drawing(panels: Sequence[Panel], rate: int) -> Callable[[], bytes]:
    """Has a picture drawn while other work goes on, if there is a process that draws.

    Returns:
        Waits for the picture and returns it.
    """
    panels = with_levels(panels[:COLUMNS], rate)
    beside = _beside
    asked = beside.ask(panels, rate) if beside else None

    def finish() -> bytes:
        drawn = beside.answer(asked) if beside and asked else None
        if drawn is None:
            from .picture import plot

            drawn = plot(panels, rate)
        return drawn

    return finish


@contextmanager
def drawing_beside() -> Iterator[None]:
    """Has pictures drawn by another process, which begins to load at once and ends when this does.

    One of these may be within another, which then changes nothing.
    """
    global _beside  # noqa: PLW0603 - one for all that is written meanwhile
    if _beside is not None:
        yield
        return
    _beside = _Beside()
    try:
        yield
    finally:
        _beside.end()
        _beside = None


class Drawer(Host):
    """The side of the other process, which loads the library with its first picture."""

    def load(self, rate: int) -> None:
        """There is nothing to load."""

    def answer(self, instrument: None, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Returns the picture of the panels that `_Beside` sent."""
        from .picture import plot

        numbers = np.frombuffer(data, np.float32)
        panels = []
        for words, shapes in arguments["panels"]:
            arrays = {}
            for name, shape in shapes.items():
                size = math.prod(shape)
                arrays[name] = numbers[:size].reshape(shape)
                numbers = numbers[size:]
            panels.append(Panel(**words, **arrays))
        return Answer(data=plot(panels, arguments["rate"]))


class _Beside:
    """The other process, as this one knows it; it begins to load at once.

    A thread of its own asks it, so that no question takes longer than the patience of the one who wants a picture:
    a process that stands still does not even take what is written to it.
    """

    def __init__(self) -> None:
        self._host = HostProcess(
            f"{__name__}:{Drawer.__name__}", name="drawing", fresh="reuse", patience=_PATIENCE, loading=_PATIENCE
        )
        self._thread = ThreadPoolExecutor(1)
        self._over = False
        # The first picture takes long, as the library and its fonts are loaded for it: nobody waits for this one.
        self._thread.submit(self._ask, [Panel(np.zeros(9), "0", "0", ("0",), np.zeros((BANDS, 9)))], 9)

    def ask(self, panels: Sequence[Panel], rate: int) -> Future[bytes] | None:
        """Asks for a picture; None if it did not come before."""
        return None if self._over else self._thread.submit(self._ask, panels, rate)

    def answer(self, asked: Future[bytes]) -> bytes | None:
        """Returns the picture, or None if it does not come; then none is asked for again."""
        try:
            return asked.result(_PATIENCE)
        except (EngineError, TimeoutError, CancelledError):  # the picture is drawn without this process
            self.end()
            return None

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._over = True
        self._host.give_up()
        self._thread.shutdown(cancel_futures=True)
        self._host.close()

    def _ask(self, panels: Sequence[Panel], rate: int) -> bytes:
        described = []
        data = b""
        for panel in panels:
            words, arrays = _parts(panel)
            described.append((words, {name: array.shape for name, array in arrays.items()}))
            data += b"".join(map(np.ndarray.tobytes, arrays.values()))
        return bytes(self._host.ask("draw", {"panels": described, "rate": rate}, data).data)


def _parts(panel: Panel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What goes into a message as JSON, and the arrays, float32."""
    words = {}
    arrays = {}
    for each in fields(panel):
        value = getattr(panel, each.name)
        if isinstance(value, np.ndarray):
            arrays[each.name] = np.asarray(value, np.float32)
        else:
            words[each.name] = value
    return words, arrays


_beside: _Beside | None = None
"""The process that draws, while there is one."""
