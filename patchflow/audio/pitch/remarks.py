"""What is odd about the pitch of a sound, in one line: chords, glides, vibrato, detuned voices, tunings."""

from dataclasses import dataclass

import numpy as np

from ..note_names import note_name
from .contour import FRAME
from .partials import Partials

__all__ = ["UNPITCHED", "chord_notes", "detuned", "is_one_note", "of_chord", "of_motion", "of_tuning", "vibrato"]

UNPITCHED = "no clear pitch, as of a drum or of noise: it is matched without tuning"

_LOW = 30.0  # Hz
_BETWEEN = 20.0  # cents from a key at which a tuning is worth a line
_A432 = -31.8  # cents of A = 432 Hz below A = 440 Hz
_HEARD = 0.03  # magnitude of a partial of a chord, at least, where the largest has 1
_ROOT = 0.15  # magnitude of the fundamental of one of its notes, at least
_NEAR = 20.0  # cents that a harmonic may be off
_LEFT = 0.02  # share of the energy that no note of a chord explains, at most
_OFF_KEY = 0.12  # semitones that a note of a chord may be off the keys of the others
_EXACT = 1.0  # cents that harmonics of one note may be off; a fifth between keys is 2 cents off
_HIGHEST_ROOT = 6  # harmonic that seems the root of a chord, where those below are weak
_TURNS = 2.8  # of a vibrato, at least
_UNISON = 8.0  # cents between detuned voices, at least: less is what any chorus does
_GLIDE = 1.5  # semitones
_VIBRATO = 0.25  # semitones either way
_WIDEST = 1.3  # semitones either way that are vibrato; beyond, the pitch moves between two notes


def of_chord(chord: tuple[float, ...]) -> str:
    """Returns the line about a chord.

    Args:
        chord: Notes that sound at once, lowest first, see `chord_notes`.
    """
    names = ", ".join(_name(note) for note in chord)
    return f"several notes sound at once ({names}): the search takes {_name(chord[0])}"


def chord_notes(found: Partials) -> tuple[float, ...]:
    """Returns the notes of a chord, lowest first, in semitones; none for a single note.

    From below, each loud partial that no lower note explains begins a note if it has harmonics of its own. Two such
    notes or more are a chord if they are whole semitones apart and leave hardly anything unexplained: bells and other
    inharmonic sounds do neither.
    """
    loud = found.magnitude > _HEARD
    frequency = found.frequency[loud]
    magnitude = found.magnitude[loud]
    open_ = np.ones(len(frequency), bool)
    roots: list[float] = []
    for place, hz in enumerate(frequency):
        if not open_[place]:
            continue
        if magnitude[place] < _ROOT:
            if not roots:  # a weak fundamental: what follows may be its harmonics
                return ()
            continue
        multiple = np.maximum(np.round(frequency / hz), 1)
        near = np.abs(1200 * np.log2(frequency / (multiple * hz))) < _NEAR
        own = near & open_ & (multiple > 1)
        if not own.any():
            return ()
        open_ &= ~near
        roots.append(float(hz))
    energy = np.square(magnitude)
    if len(roots) < 2 or energy[open_].sum() > _LEFT * energy.sum():
        return ()
    notes = 69 + 12 * np.log2(np.array(roots) / 440)
    apart = notes - notes[0]
    if np.abs(apart - np.round(apart)).max() > _OFF_KEY or np.diff(notes).min() < 0.7:
        return ()
    return tuple(notes.tolist())


def is_one_note(chord: tuple[float, ...], note: float) -> bool:
    """Returns whether what seems a chord is one note whose fundamental and some harmonics are weak.

    Args:
        chord: Notes that seem to sound at once, lowest first, in semitones.
        note: The note that is the likeliest for the whole sound.
    """
    lowest = 2 ** ((chord[0] - note) / 12)
    harmonic = round(lowest)
    if not 2 <= harmonic <= _HIGHEST_ROOT or abs(1200 * np.log2(lowest / harmonic)) > 50:
        return False
    multiple = harmonic * 2 ** ((np.array(chord) - chord[0]) / 12)
    return bool(np.abs(1200 * np.log2(multiple / np.round(multiple))).max() < _EXACT)


@dataclass(frozen=True)
class Vibrato:
    """A regular motion of the pitch: `hz` times a second, `depth` semitones either way."""

    hz: float
    depth: float


def vibrato(line: np.ndarray) -> Vibrato | None:
    """Returns the vibrato of a contour; None where it has none of at least three turns and 25 cents either way.

    Args:
        line: Pitches in semitones, one a frame, shape `(N,)`.
    """
    count = len(line)
    if count * FRAME < 0.3:
        return None
    place = np.arange(count)
    swing = line - np.polyval(np.polyfit(place, line, 1), place)
    power = np.square(np.abs(np.fft.rfft(swing * np.hanning(count), 8 * count)))
    hz = np.fft.rfftfreq(8 * count, FRAME)
    allowed = (hz > _TURNS / (count * FRAME)) & (hz < 12)
    if not allowed.any():
        return None
    rate = float(hz[np.where(allowed, power, 0).argmax()])
    near = np.abs(hz - rate) < 2.5 / (count * FRAME)
    if power[near].sum() < 0.75 * power.sum():
        return None
    depth = float(np.sqrt(2 * np.mean(np.square(swing))))
    return Vibrato(rate, depth) if depth >= _VIBRATO else None


def detuned(found: Partials, sounding: float) -> float:
    """Returns how many cents two voices on one note are apart, 0 for a single voice.

    Every harmonic of two voices has two peaks, as many cents apart as the voices are. Tremolo, vibrato and ring
    modulation put peaks as many *Hz* apart.
    """
    hz = 440 * 2 ** ((sounding - 69) / 12)
    gaps = []
    for k in range(1, 13):
        near = np.abs(1200 * np.log2(found.frequency / (k * hz))) < 60
        size = found.magnitude[near]
        if len(size) < 2:
            continue
        pair = np.sort(np.argsort(-size)[:2])
        if size[pair].min() < 0.35 * size[pair].max() or size.max() < 0.01:
            continue
        first, second = found.frequency[near][pair]
        gaps.append(1200 * float(np.log2(second / first)))
    if len(gaps) < 3:
        return 0.0
    middle = float(np.median(gaps))
    agreeing = np.abs(np.array(gaps) - middle) < max(1.5, 0.1 * middle)
    return middle if agreeing.sum() >= 3 and agreeing.mean() >= 0.7 else 0.0


def of_motion(line: np.ndarray) -> str:
    """Returns the line about a pitch that moves; "" for one that does not.

    Args:
        line: See `Contour.line`.
    """
    if not len(line):
        return ""
    start = float(np.median(line[:3]))
    end = float(np.median(line[-3:]))
    span = abs(end - start)
    travelled = float(np.abs(np.diff(line)).sum())
    if span >= _GLIDE and travelled < 1.4 * span:
        return f"the pitch glides from {_name(start)} to {_name(end)}"
    swing = vibrato(line)
    if swing is not None and swing.depth <= _WIDEST:
        return f"vibrato, {swing.hz:.1f} times a second, {100 * swing.depth:.0f} cents either way"
    lowest, highest = np.quantile(line, [0.02, 0.98])
    if highest - lowest >= 2 * _GLIDE:
        return f"the pitch moves between {_name(lowest)} and {_name(highest)}"
    return ""


def of_tuning(found: Partials, sounding: float, *, agreed: bool) -> str:
    """Returns the line about detuned voices, a deep fundamental or a tuning between keys; "" if there is none.

    Args:
        found: Partials of the sound.
        sounding: The pitch, in semitones, 69 at 440 Hz.
        agreed: Whether others find the same tuning.
    """
    apart = detuned(found, sounding)
    if apart >= _UNISON:
        return f"voices {apart:.0f} cents apart sound on {_name(sounding)}"
    hz = 440 * 2 ** ((sounding - 69) / 12)
    if hz < _LOW:
        return f"the fundamental is {hz:.1f} Hz ({_name(sounding)}): below 30 Hz it is felt more than heard"
    cents = 100 * (sounding - round(sounding))
    if abs(cents) < _BETWEEN or not agreed:
        return ""
    side = "above" if cents > 0 else "below"
    tuned = ", as if A were tuned to 432 Hz" if abs(cents - _A432) < 2.5 else ""
    return f"it sounds {abs(cents):.0f} cents {side} {_name(sounding)}{tuned}"


def _name(pitch: float) -> str:
    return note_name(min(max(round(pitch), 0), 127))
