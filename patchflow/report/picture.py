"""The picture of a match: the target beside its candidates, on the same scales."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from ..audio.resample import resample
from ..features.mel import mel_spectrogram, power_to_db

__all__ = ["Panel", "draw"]

_PAPER, _INK, _FAINT, _TARGET, _CANDIDATE = "#14161b", "#e8e6e3", "#8b9099", "#f5a742", "#5cc8d7"
_DPI, _COLUMNS, _FLOOR_DB = 100, 6, 80.0
_RATE, _LOW, _HIGH, _BANDS = 22_050, 30.0, 11_000.0, 96


@dataclass(frozen=True)
class Panel:
    """One column of the picture.

    Args:
        sound: Samples, shape `(T,)`.
        title: A few words in large letters, e.g. the distance.
        caption: A few words below it in small letters, e.g. the note and the file.
    """

    sound: np.ndarray
    title: str
    caption: str


def draw(panels: Sequence[Panel], rate: int) -> bytes:
    """Returns a PNG with a waveform and a log-mel spectrogram for each sound.

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
    panels = panels[:_COLUMNS]
    figure = Figure(figsize=(1.3 + 2.6 * len(panels), 4.9), dpi=_DPI, facecolor=_PAPER)
    width, left, right = figure.get_figwidth(), 0.75, 0.85  # inches
    axes = figure.subplots(
        2,
        len(panels),
        squeeze=False,
        gridspec_kw={
            "left": left / width,
            "right": 1 - right / width,
            "top": 0.85,
            "bottom": 0.11,
            "hspace": 0.1,
            "wspace": 0.11,
            "height_ratios": (1, 2.2),
        },
    )
    seconds = max(len(panel.sound) for panel in panels) / rate
    peak = max(float(np.abs(panel.sound).max(initial=0.0)) for panel in panels) or 1.0
    for column, panel in enumerate(panels):
        wave, mel = axes[0, column], axes[1, column]
        _title(wave, panel, colour := _CANDIDATE if column else _TARGET)
        _waveform(wave, panel.sound, rate, colour, peak)
        if column:
            _outline(wave, panels[0].sound, rate)
        _spectrogram(mel, panel.sound, rate)
        for axis in (wave, mel):
            _plain(axis, seconds, first=column == 0)
    _levels(figure, axes[1, 0].images[0], left=1 - (right - 0.12) / width, width=0.12 / width)
    return _png(figure)


def _title(axis: Axes, panel: Panel, colour: str) -> None:
    words = {"transform": axis.transAxes, "parse_math": False, "clip_on": False}
    axis.text(0, 1.26, _short(panel.title, 24), color=colour, fontsize=13, fontweight="bold", **words)
    axis.text(0, 1.08, _short(panel.caption, 36), color=_FAINT, fontsize=9, **words)


def _waveform(axis: Axes, sound: np.ndarray, rate: int, colour: str, peak: float) -> None:
    edges = _edges(sound, 500)
    high, low = np.maximum.reduceat(sound, edges), np.minimum.reduceat(sound, edges)
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
    return np.linspace(0, len(sound), min(len(sound), columns), endpoint=False).astype(int)


def _spectrogram(axis: Axes, sound: np.ndarray, rate: int) -> None:
    x = torch.from_numpy(np.ascontiguousarray(resample(sound, rate, _RATE), np.float32))[None]
    power = mel_spectrogram(x, _RATE, n_fft=2048, hop=256, bands=_BANDS, low=_LOW, high=_HIGH)
    levels = power_to_db(power, _FLOOR_DB)[0].numpy() if sound.any() else np.full(power.shape[1:], -_FLOOR_DB)
    extent = (0, levels.shape[1] * 256 / _RATE, 0, _BANDS)
    axis.set_facecolor("black")
    axis.set_ylim(0, _BANDS)
    axis.set_yticks([_band(hz) for hz in (200, 1000, 3000, 10_000)], ["200", "1k", "3k", "10k"])
    axis.set_xlabel("seconds", color=_FAINT, fontsize=9)
    look = {"cmap": "magma", "vmin": -_FLOOR_DB, "vmax": 0, "interpolation": "nearest"}
    axis.imshow(levels, origin="lower", aspect="auto", extent=extent, **look)


def _band(hz: float) -> float:
    """The place of a frequency on the axis of mel bands."""

    def mel(f: float) -> float:  # Slaney's scale: linear to 1 kHz, logarithmic above
        return 0.015 * f if f < 1000 else 15 + 27 * float(np.log(f / 1000) / np.log(6.4))

    return (mel(hz) - mel(_LOW)) / (mel(_HIGH) - mel(_LOW)) * _BANDS


def _plain(axis: Axes, seconds: float, *, first: bool) -> None:
    axis.set_xlim(0, seconds)
    axis.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10), prune="upper"))
    axis.tick_params(colors=_FAINT, labelsize=9, length=2.5, labelleft=first)
    for spine in axis.spines.values():
        spine.set_visible(False)
    if axis.get_facecolor()[:3] != (0.0, 0.0, 0.0):
        axis.set_facecolor(_PAPER)
    if first:
        axis.set_ylabel("Hz" if axis.images else "", color=_FAINT, fontsize=9)


def _levels(figure: Figure, image: AxesImage, left: float, width: float) -> None:
    bar = figure.colorbar(image, cax=figure.add_axes((left, 0.11, width, 0.46)))
    bar.ax.tick_params(colors=_FAINT, labelsize=9, length=2.5)
    bar.ax.set_title("dB", color=_FAINT, fontsize=9, pad=4)
    bar.outline.set_visible(False)  # type: ignore[operator]


def _short(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[len(text) - limit // 2 + 1 :]}"


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a file may be named in any script
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": "patchflow"})
    return buffer.getvalue()
