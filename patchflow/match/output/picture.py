"""The picture of a match: the target beside its candidates, on the same scales."""

import io
import warnings
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...audio.note_names import note_name
from ...printable import printable
from .drawing import BANDS, CENTS, COLUMNS, FLOOR_DB, HOP, LOW, PICTURE_RATE, Panel, with_levels

__all__ = ["Panel", "plot"]

_PAPER = "#14161b"
_FAINT = "#8b9099"
_TARGET = "#f5a742"
_CANDIDATE = "#5cc8d7"
_DPI = 100


def plot(panels: Sequence[Panel], rate: int) -> bytes:
    """Returns a PNG with a waveform and a spectrogram for each sound.

    Columns share their time and amplitude axes; levels are relative to each sound's own peak,
    as in the distance. At most six columns are drawn.

    Args:
        panels: The target first, then candidates, best first.
        rate: Sample rate of the sounds, in Hz.

    Raises:
        ValueError: If there are no panels.
    """
    if not panels:
        raise ValueError("panels=(): nothing to draw")
    panels = with_levels(panels[:COLUMNS], rate)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a file may be named in any script
        figure, axes = _grid(len(panels))
        _fill(axes, panels, rate)
        _levels(figure, axes[1, -1])
        figure.canvas.print_png(buffer, metadata={"Software": "patchflow"})  # type: ignore[attr-defined]
    return buffer.getvalue()


def _grid(columns: int) -> tuple[Figure, np.ndarray]:
    """Two rows of axes, shape `(2, columns)`, with room for labels on the left and for levels on the right."""
    left = 0.95  # inches, as all here
    right = 0.85
    width = 1.5 + 2.6 * columns
    figure = Figure(figsize=(width, 4.9), dpi=_DPI, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    places = {"left": left / width, "right": 1 - right / width, "top": 0.785, "bottom": 0.11}
    shape = {"hspace": 0.1, "wspace": 0.11, "height_ratios": (1, 2.2)}
    return figure, figure.subplots(2, columns, squeeze=False, gridspec_kw={**places, **shape})


def _fill(axes: np.ndarray, panels: Sequence[Panel], rate: int) -> None:
    seconds = max(len(panel.sound) for panel in panels) / rate
    peak = max(float(np.abs(panel.sound).max(initial=0.0)) for panel in panels) or 1.0
    for column, (panel, wave, mel) in enumerate(zip(panels, *axes, strict=True)):
        colour = _CANDIDATE if column else _TARGET
        _title(wave, panel, colour)
        _waveform(wave, panel.sound, rate, colour, peak)
        if column:
            _outline(wave, panels[0].sound, rate)
        _spectrogram(mel, panel.levels)
        for axis in (wave, mel):
            _plain(axis, seconds, first=column == 0)


def _title(axis: Axes, panel: Panel, colour: str) -> None:
    _write(axis, 1.66, panel.title, color=colour, fontsize=13, fontweight="bold")
    for height, words in zip((1.46, 1.28, 1.1), (panel.caption, *panel.details), strict=False):
        _write(axis, height, words, color=_FAINT, fontsize=9)


def _write(axis: Axes, height: float, words: str, **look: Any) -> None:
    """Writes above a panel, and leaves out the middle of what is wider than the panel.

    How wide a text is depends on its letters and on the font, so texts are drawn until the longest that fits is found.
    """
    words = printable(" ".join(words.split()))
    text = axis.text(0, height, words, transform=axis.transAxes, parse_math=False, clip_on=False, **look)

    def is_too_wide(letters: int) -> bool:
        text.set_text(_shortened(words, letters))
        return bool(text.get_window_extent().width > axis.bbox.width)

    # Halving needs few tries: of the numbers of letters 1, 2, ... the first that is too wide, less one.
    most = bisect_left(range(1, len(words) + 1), True, key=is_too_wide)
    text.set_text(_shortened(words, most))


def _shortened(words: str, letters: int) -> str:
    if letters >= len(words):
        return words
    return f"{words[: (letters + 1) // 2]}…{words[len(words) - letters // 2 :]}"


def _waveform(axis: Axes, sound: np.ndarray, rate: int, colour: str, peak: float) -> None:
    edges = _edges(sound, 500)
    high = np.maximum.reduceat(sound, edges)
    low = np.minimum.reduceat(sound, edges)
    axis.axhline(0, color=_FAINT, linewidth=0.5)
    axis.fill_between(edges / rate, low, high, color=colour, linewidth=0.6, step="post")
    axis.set_ylim(-1.05 * peak, 1.05 * peak)
    axis.set_yticks([0])
    axis.tick_params(labelbottom=False)


def _outline(axis: Axes, sound: np.ndarray, rate: int) -> None:
    """The target's envelope over a candidate's waveform."""
    edges = _edges(sound, 120)
    for envelope in (np.maximum.reduceat(sound, edges), np.minimum.reduceat(sound, edges)):
        axis.plot(edges / rate, envelope, color=_TARGET, linewidth=0.8)


def _edges(sound: np.ndarray, columns: int) -> np.ndarray:
    """Where each of so many parts of a sound begins, in samples; no part is empty."""
    return np.linspace(0, len(sound), min(len(sound), columns), endpoint=False).astype(int)


def _spectrogram(axis: Axes, levels: np.ndarray) -> None:
    extent = (0, levels.shape[1] * HOP / PICTURE_RATE, 0, BANDS)
    axis.set_facecolor("black")
    axis.set_ylim(0, BANDS)
    notes = range(24, 121, 12)
    places = [_band(440 * 2 ** ((note - 69) / 12)) for note in notes]
    axis.set_yticks(places, [f"{note_name(note)}  {_hertz(note)}" for note in notes])
    axis.set_xlabel("seconds", color=_FAINT, fontsize=9)
    look = {"cmap": "magma", "vmin": -FLOOR_DB, "vmax": 0, "interpolation": "nearest"}
    axis.imshow(levels, origin="lower", aspect="auto", extent=extent, **look)
    for place in places:
        axis.axhline(place, color="white", alpha=0.1, linewidth=0.5)


def _hertz(note: int) -> str:
    """A frequency in few letters, e.g. `"65"` or `"2.1k"`."""
    hz = 440 * 2 ** ((note - 69) / 12)
    return f"{hz:.0f}" if hz < 1000 else f"{hz / 1000:.1f}k"


def _band(hz: float) -> float:
    """The place of a frequency on the axis of bands, whose first is centred at half a band."""
    return 1200 * float(np.log2(hz / LOW)) / CENTS - 0.5


def _plain(axis: Axes, seconds: float, *, first: bool) -> None:
    """Axes without frame, in the colours of the picture; labels on the left for the first column alone."""
    axis.set_xlim(0, seconds)
    axis.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10), prune="upper"))
    axis.tick_params(colors=_FAINT, labelsize=9, length=2.5, labelleft=first)
    for spine in axis.spines.values():
        spine.set_visible(False)
    if axis.get_facecolor()[:3] != (0.0, 0.0, 0.0):
        axis.set_facecolor(_PAPER)
    if first:
        axis.set_ylabel("note, Hz" if axis.images else "", color=_FAINT, fontsize=9)


def _levels(figure: Figure, last: Axes) -> None:
    """The meaning of the colours, to the right of the last column."""
    place = last.get_position()
    inch = 1 / figure.get_figwidth()  # as a share of the width, like all places in a figure
    beside = (place.x1 + 0.12 * inch, place.y0, 0.12 * inch, 0.95 * place.height)
    bar = figure.colorbar(last.images[0], cax=figure.add_axes(beside))
    bar.ax.tick_params(colors=_FAINT, labelsize=9, length=2.5)
    bar.ax.set_title("dB", color=_FAINT, fontsize=9, pad=4)
    bar.outline.set_visible(False)  # type: ignore[operator]
