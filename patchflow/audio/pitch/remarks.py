"""What is odd about the pitch of a sound, in one line: chords, glides, vibrato, trills, detuned voices, tunings."""

from dataclasses import dataclass

import numpy as np

from ..note_names import note_name
from .contour import FRAME, Partials

__all__ = [
    "UNPITCHED",
    "chord_notes",
    "detuned",
    "is_one_note",
    "of_chord",
    "of_motion",
    "of_tuning",
    "vibrato",
]

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
_HALF_TURNS = 5  # of a vibrato, at least: three turns, the ends of which may be cut off
_TURN = 0.3  # semitones by which a pitch that turns goes back, at least
_REGULAR = 0.8  # share of half turns that are like the middle one: half to twice as long and as high
_LOPSIDED = 0.2  # share of the time that a vibrato may be more than half above its middle, or below
_FASTEST = 12.0  # turns a second
_UNISON = 8.0  # cents between detuned voices, at least: less is what any chorus does
_GLIDE = 1.5  # semitones
_VIBRATO = 0.25  # semitones either way
_TRILL = (0.7, 1.4)  # semitones between its notes, about one: a wider one breaks the contour
_RESTING = 1.35  # what a trill is at most, and hardly any vibrato, see `_of_swing`
_GLIDING = 1.5  # what is surely no trill
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
    """A regular motion of the pitch.

    Args:
        hz: Turns a second.
        depth: Semitones either way.
        kurtosis: Of the distances from the middle: 1 if the pitch jumps between two notes, 1.5 for a sine.
    """

    hz: float
    depth: float
    kurtosis: float


def vibrato(line: np.ndarray) -> Vibrato | None:
    """Returns the vibrato of a contour; None where it has none of at least three turns and 25 cents either way.

    The pitch goes up and down again and again, by about as much and in about the same time, and is above its middle
    about as long as below. Steps from note to note go one way, and a scoop where a note begins is short.

    Args:
        line: Pitches in semitones, one a frame, shape `(N,)`.
    """
    places = _turning_points(line)
    if len(places) <= _HALF_TURNS:
        return None
    heights = np.abs(np.diff(line[places]))
    frames = np.diff(places)
    height = float(np.median(heights))
    regular = (_alike(heights, height) & _alike(frames, float(np.median(frames)))).mean()
    # The middle may move: from half turn to half turn, it is halfway.
    halfway = (line[places[1:]] + line[places[:-1]]) / 2
    middle = np.interp(np.arange(len(line)), (places[1:] + places[:-1]) / 2, halfway)
    swing = (line - middle)[places[0] : places[-1]]
    above = float((swing > 0).mean())
    hz = len(frames) / (2 * FRAME * float(frames.sum()))
    if regular < _REGULAR or abs(above - 0.5) > _LOPSIDED or hz > _FASTEST or height < 2 * _VIBRATO:
        return None
    kurtosis = np.mean(swing**4) / np.mean(np.square(swing)) ** 2
    return Vibrato(hz, height / 2, float(kurtosis))


def _alike(values: np.ndarray, middle: float) -> np.ndarray:
    return (values > middle / 2) & (values < 2 * middle)


def _turning_points(line: np.ndarray) -> np.ndarray:
    """Frames where the pitch turns back by as much as that of a vibrato, highest and lowest in turn, shape `(P,)`."""
    places: list[int] = []
    highest = 0
    lowest = 0
    rising = falling = True  # until the first of both, either may come
    for place, pitch in enumerate(line.tolist()):
        if pitch > line[highest]:
            highest = place
        if pitch < line[lowest]:
            lowest = place
        if rising and pitch < line[highest] - _TURN:
            places.append(highest)
            rising, falling = False, True
            lowest = place
        elif falling and pitch > line[lowest] + _TURN:
            places.append(lowest)
            rising, falling = True, False
            highest = place
    return np.array(places[1:], int)  # the first is an end


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


def of_motion(line: np.ndarray, votes: np.ndarray) -> str:
    """Returns the line about a pitch that moves; "" for one that does not.

    Args:
        line: See `Contour.line`.
        votes: Pitches of periods, and their weights, see `period_votes`; shape `(2, V)`.
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
        return _of_swing(swing, line, votes)
    lowest, highest = np.quantile(line, [0.02, 0.98])
    if highest - lowest >= 2 * _GLIDE:
        return f"the pitch moves between {_name(lowest)} and {_name(highest)}"
    return ""


def _of_swing(swing: Vibrato, line: np.ndarray, votes: np.ndarray) -> str:
    """The line about a vibrato, or a trill: that rests on two notes a semitone apart, and is hardly between them.

    Contours are smooth, so that a trill on a low note looks like a vibrato; periods are told sharply, but less surely
    where the pitch moves. Only what both say is told for sure.
    """
    near = np.abs(votes[0] - np.median(line)) < 1.5 * _WIDEST
    order = votes[0][near].argsort()
    pitch = votes[0][near][order]
    weight = votes[1][near][order]
    running = weight.cumsum()
    name = "vibrato"
    if len(pitch) and running[-1] > 0:
        lowest, highest = pitch[np.searchsorted(running, running[-1] * np.array([0.1, 0.9]))]
        apart = float(highest - lowest)
        between = np.abs(pitch - (lowest + highest) / 2) < apart / 6
        # 1 for a trill and 1.7 for a sine, if both methods were perfect.
        restless = swing.kurtosis + float(weight[between].sum() / running[-1])
        may_be = _TRILL[0] <= apart <= _TRILL[1]
        if may_be and restless <= _RESTING:
            lower = round(float(lowest))
            return f"a trill between {_name(lower)} and {_name(lower + 1)}, {swing.hz:.1f} times a second"
        if may_be and restless <= _GLIDING:
            name = "vibrato or a trill"
    return f"{name}, {swing.hz:.1f} times a second, {100 * swing.depth:.0f} cents either way"


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
