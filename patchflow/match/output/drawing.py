"""Draws the picture of a match in a process of its own, beside the search.

To draw takes a library that needs a second to load. A thread that loads it holds the interpreter, so the search stands
still; another process takes nothing from it while there is a core to spare. If there is no such process, or it does not
answer, the picture is drawn in this one.
"""

import math
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from ...hosts import Answer, Host
from ...hosts._host import receive, send
from ...hosts._lifeline import start_for_good

__all__ = ["Drawer", "Panel", "draw", "drawing_beside", "with_levels"]

COLUMNS = 6  # columns that are drawn at most
_PATIENCE = 60.0  # seconds after which a picture is drawn in this process

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

    from ...audio.resample import resample
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
    panels = with_levels(panels[:COLUMNS], rate)
    drawn = _beside.draw(panels, rate) if _beside else None
    if drawn is None:
        from .picture import plot

        drawn = plot(panels, rate)
    return drawn


@contextmanager
def drawing_beside() -> Iterator[None]:
    """Has pictures drawn by another process, which begins to load at once and ends when this does.

    One of these may be within another, which then changes nothing.
    """
    global _beside  # noqa: PLW0603 - one for all that is written meanwhile
    if _beside is not None:
        yield
        return
    with suppress(OSError):  # no memory, too many processes: `draw` does without
        _beside = _Beside()
    try:
        yield
    finally:
        if _beside is not None:
            _beside.end()
        _beside = None


class Drawer(Host):
    """The side of the other process, which begins to load as soon as it is made."""

    def __init__(self) -> None:
        from .picture import plot

        plot([Panel(np.zeros(9), "0", "0", ("0",), np.zeros((BANDS, 9)))], 9)  # loads the library and its fonts

    def load(self, rate: int) -> None:
        """There is nothing else to load."""

    def answer(self, instrument: None, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Returns the picture of the panels that `_Beside.draw` sent."""
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


_Answers = queue.SimpleQueue[tuple[dict[str, Any], bytes] | None]


class _Beside:
    """The other process, as this one knows it.

    Attributes:
        end: Ends it, once for all.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-m", "patchflow.hosts", f"{__name__}:{Drawer.__name__}", str(os.getpid())]
        # A session of its own: Ctrl-C in the terminal goes to this process alone, which then writes what it has.
        start = partial(
            subprocess.Popen,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._process: subprocess.Popen[bytes] = start_for_good(start)
        self._answers: _Answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        self.end = weakref.finalize(self, _end, self._process)
        self._made = False  # whether it has said that it is ready
        with suppress(OSError):  # if it is gone already, no picture will come from it
            self._tell({"settings": {}, "fresh": "reuse"})

    def draw(self, panels: Sequence[Panel], rate: int) -> bytes | None:
        """Returns the picture, or None if it does not come."""
        described = []
        data = b""
        for panel in panels:
            words, arrays = _parts(panel)
            described.append((words, {name: array.shape for name, array in arrays.items()}))
            data += b"".join(map(np.ndarray.tobytes, arrays.values()))
        question = {"ask": "draw", "with": {"panels": described, "rate": rate}, "rate": rate}
        try:
            if not self._made:
                self._answer()
                self._made = True
            self._tell(question, data)
            return self._answer()
        except (EOFError, OSError):
            self.end()
            return None

    def _tell(self, message: dict[str, Any], data: bytes = b"") -> None:
        if self._process.stdin is not None:
            send(self._process.stdin, {**message, "patience": _PATIENCE}, data)

    def _answer(self) -> bytes:
        try:
            answer = self._answers.get(timeout=_PATIENCE)
        except queue.Empty:
            raise EOFError("it hangs") from None
        if answer is None or "error" in answer[0]:
            raise EOFError("it is gone, or could not load or draw")
        return answer[1]


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


def _listen(process: "subprocess.Popen[bytes]", answers: _Answers) -> None:
    """Puts every answer into the queue, and None when the process has ended."""
    if process.stdout is not None:
        with process.stdout as pipe, suppress(EOFError, OSError, ValueError):
            while True:
                answers.put(receive(pipe))
    answers.put(None)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):  # what was not sent any more
            process.stdin.close()


_beside: _Beside | None = None
"""The process that draws, while there is one."""
