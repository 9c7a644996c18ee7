"""Estimates the pitch of a sound: notes with calibrated confidences, its fundamental, and whether it has one."""

import functools
from dataclasses import dataclass

import numpy as np

from ..conditioning import resample
from .contour import FRAME, HARMONICS, RATE, Contour, Partials, contour, contour_of_periods, partials, period_votes
from .remarks import UNPITCHED, chord_notes, is_one_note, of_chord, of_motion, of_tuning, vibrato

__all__ = [
    "EVIDENCE",
    "NOTES",
    "PITCHED",
    "NoteGuess",
    "Pitch",
    "PitchEvidence",
    "estimate_pitch",
    "gather",
    "note_guesses",
    "pitch_from",
]

NOTES = np.arange(12, 109)
"""The notes that are told apart: C0 to C8, 16 Hz to 4.2 kHz."""

# Weights of the evidence for a note, a logit model, and of what speaks for a pitch at all, another: fitted to
# synthesised tones and drums and to DX7 voices by `benchmarks/pitch.py`.
EVIDENCE = {
    "root of periods": 13.10,
    "periods": -8.87,
    "periods two octaves below": 1.98,
    "root of contour": 4.54,
    "contour": -3.40,
    "contour an octave above": 0.96,
    "contour two octaves below": 0.47,
    "between harmonics": -10.20,
    "thirds between harmonics": -4.00,
    "fundamental": 6.44,
    "odd harmonics": 5.73,
    "even harmonics": 2.93,
    "odd and even harmonics": 0.07,
    "below the contour": -0.70,
    "below the contour, periods": 1.75,
    "above the contour": 0.33,
    "above the contour, periods": -0.55,
    "below the contour, heard an octave above": 1.44,
    "height": -0.77,
    "squared height": -0.03,
}
PITCHED = {
    "harmonics": 10.02,
    "sureness of the note": 0.29,
    "root of periods on the note": 5.58,
    "root of contour on the note": 1.95,
    "constant": -5.49,
}

# Chances of the interval from the pitch that sounds to the key that plays it: synths and their presets transpose.
_OFF_BY = {0: 0.8, -12: 0.06, 12: 0.06, -24: 0.012, 24: 0.012, 7: 0.003, -7: 0.003, 19: 0.003, -19: 0.003}
# Notes for sounds without a pitch.
_UNPITCHED = {60: 0.08, 48: 0.06, 72: 0.05, 36: 0.04, 84: 0.02}
_LOWEST_OF_NETWORK = 31  # between these, the network of the contour knows a note and both neighbours
_HIGHEST_OF_NETWORK = 94
_CENTS = np.arange(-50, 51, 10)  # tunings of a note that are tried
_SURE = 0.85  # chance of a note and its neighbours, above which something is said about its tuning
_AGREED = 0.1  # semitones between the tunings by partials and by periods, at most, for either to be told
_LASTING = 0.25  # seconds of a moving pitch, at least
_FAR_MORE = 0.1  # share of the sound by which more is on one line than on the other
_TRAVEL = 1.5  # semitones that it moves
_MOVING = 0.3  # semitones that a contour moves by more than one of a steady note


@dataclass(frozen=True)
class NoteGuess:
    """A MIDI note that a sound may be.

    Args:
        pitch: MIDI note, 0 to 127.
        confidence: Chance that it is this one, 0 to 1; all notes together stay below 1.
        cents: How far above the note the sound is tuned, in cents: within 50 or so either way of a note that is
            guessed; of one that was told, how far away from it the sound is, octaves included.
    """

    pitch: int
    confidence: float
    cents: float = 0.0

    @property
    def f0(self) -> float:
        """The fundamental that sounds if it is this note, in Hz."""
        return 440 * 2 ** ((self.pitch - 69 + self.cents / 100) / 12)


@dataclass(frozen=True)
class Pitch:
    """The pitch of a sound.

    Args:
        guesses: Notes it may be, most likely first, confidence falling; the first is what sounds.
        pitched: Whether it has a pitch; drums and noise have none.
        sounding: The pitch that sounds, in semitones with decimals, 69 at 440 Hz; None if there is none.
        remark: What is odd about it, in one plain line; "" for a steady note.
    """

    guesses: tuple[NoteGuess, ...]
    pitched: bool
    sounding: float | None
    remark: str = ""


@dataclass(frozen=True)
class PitchEvidence:
    """What speaks for each note, and for a pitch at all.

    Args:
        of_notes: For each of `NOTES` the evidence in the order of `EVIDENCE`, shape `(N, E)`.
        votes: Pitches of all periods, and their weights, see `period_votes`; shape `(2, V)`.
        periods: Share of the sound whose period is that of the note, shape `(N,)`.
        voiced: Share of the sound that the network hears on the note, shape `(N,)`.
        harmonics: How prominent the harmonics of the best note are, 0 to 1.
        samples: The sound, at `yin.RATE`, shape `(T,)`.
        partials: Its partials.
        contour: Its contour.
    """

    of_notes: np.ndarray
    votes: np.ndarray
    periods: np.ndarray
    voiced: np.ndarray
    harmonics: float
    samples: np.ndarray
    partials: Partials
    contour: Contour

    @property
    def chances(self) -> np.ndarray:
        """Chance of each note to be the one that sounds, all together 1, shape `(N,)`."""
        logit = self.of_notes @ np.array(list(EVIDENCE.values()))
        chances = np.exp(logit - logit.max())
        return chances / chances.sum()

    @functools.cached_property
    def motion(self) -> Contour:
        """How the pitch moves: the contour, or that of the periods where more of the sound is on its line by far."""
        heard = self.contour
        if heard.share > 1 - _FAR_MORE:
            return heard
        repeated = contour_of_periods(self.samples)
        line = repeated.line
        if repeated.share < heard.share + _FAR_MORE:
            return heard
        # The periods of a struck drum are as plain as those of a sine, and move while it dies away; those of a low
        # note in a fast tremolo move a little.
        if not vibrato(line) and (repeated.dies_away or np.ptp(line) <= _TRAVEL):
            return heard
        # Periods may be octaves off; then the note is none that the line passes.
        note = NOTES[self.chances.argmax()]
        return repeated if line.min() - 1 <= note <= line.max() + 1 else heard

    def of_pitch(self, chances: np.ndarray) -> np.ndarray:
        """Returns what speaks for a pitch, in the order of `PITCHED`."""
        best = int(chances.argmax())
        sure = chances[max(0, best - 1) : best + 2].sum()
        # A pitch between two notes counts as much as one on a note.
        tunings = NOTES[best] + _CENTS / 100
        periods = _shares(self.votes[0], self.votes[1], tunings).max()
        voiced = _shares(self.contour.pitch, self.contour.weight, tunings).max()
        return np.array([self.harmonics, sure, np.sqrt(periods), np.sqrt(voiced), 1.0])


def note_guesses(samples: np.ndarray, rate: int, count: int = 5) -> tuple[NoteGuess, ...]:
    """Returns the notes a sound may be, most likely first; see `estimate_pitch`.

    Example:
        >>> t = np.arange(22_050) / 22_050
        >>> note_guesses(np.sin(2 * np.pi * 440 * t), 22_050, count=1)[0].pitch
        69
    """
    return estimate_pitch(samples, rate, count).guesses


def estimate_pitch(samples: np.ndarray, rate: int, count: int = 5) -> Pitch:
    """Returns the pitch of a sound: what sounds, and other notes that it may be.

    Three methods look at it: periods of frames (YIN), the contour that a network hears (SwiftF0, from 47 Hz on; of
    what moves and has few partials it is unsure, so that periods may tell the contour, see `PitchEvidence.motion`), and
    the harmonics of each note in a long spectrum, which tell octaves, and hear lows. A logit model weighs what they
    say. The chances are spread over octaves and fifths, because the key that plays a pitch may be another. What no
    method claims goes to notes spread over the keyboard, with little confidence: noise has no pitch.

    Args:
        samples: Mono, shape `(T,)`, without silence before it.
        rate: Sample rate, in Hz.
        count: Number of notes, 1 to 128.

    Returns:
        Its `guesses` are distinct notes, `count` of them, confidence falling.
    """
    return pitch_from(gather(samples, rate), count)


def pitch_from(found: PitchEvidence, count: int = 5) -> Pitch:
    """Returns the pitch that the evidence of a sound tells, see `estimate_pitch`."""
    chances = found.chances
    logit = float(found.of_pitch(chances) @ np.array(list(PITCHED.values())))
    claimed = 1 / (1 + float(np.exp(-logit)))
    line = found.motion.line
    lasting = len(line) * FRAME > _LASTING and found.motion.share > 0.5
    moving = lasting and float(np.ptp(line)) > _TRAVEL
    chord = () if moving or claimed < 0.5 else _chord(found)
    if moving or (lasting and vibrato(line)):
        # A pitch that moves is no note's for long: what is told by how steady one is says little.
        claimed = max(claimed, found.motion.share)
    if moving:
        # The notes that it passes are what it may be.
        sounding = _middle(line)
        chances = _spread(line, sounding)
    elif chord:
        sounding = chord[0]
        chances = _spread(np.array(chord), sounding)
    else:
        sounding = _sounding(found, float(NOTES[chances.argmax()]))
    pitched = claimed >= 0.5
    keys = _keys(chances, claimed)
    order = np.argsort(-keys, kind="stable")[:count]
    guesses = []
    for key in order.tolist():
        cents = _cents(key, sounding, whole=moving or bool(chord)) if pitched else 0.0
        guesses.append(NoteGuess(key, float(keys[key]), cents))
    if not pitched:
        said = UNPITCHED
    elif chord:
        said = of_chord(chord)
    else:
        best = int(chances.argmax())
        sure = chances[max(0, best - 1) : best + 2].sum() / chances.sum()
        said = of_motion(line, found.votes) or (_of_tuning(found, sounding) if sure > _SURE else "")
    return Pitch(tuple(guesses), pitched, sounding if pitched else None, said)


def gather(samples: np.ndarray, rate: int) -> PitchEvidence:
    """Returns what speaks for each note of a sound, see `estimate_pitch`."""
    x = resample(samples.astype(np.float32), rate, RATE)
    x = x - x.mean()
    pitch, weight = period_votes(x)
    periods = _shares(pitch, weight)
    heard = contour(x)
    voiced = _shares(heard.pitch, heard.weight)
    found = partials(x)
    harmonics, combs = _combs(found)
    below = NOTES < _LOWEST_OF_NETWORK
    above = NOTES > _HIGHEST_OF_NETWORK
    height = (NOTES - 60) / 24
    of_notes = [
        np.sqrt(periods),
        periods,
        np.sqrt(_moved(periods, -24)),
        np.sqrt(voiced),
        voiced,
        np.sqrt(_moved(voiced, -12)),
        np.sqrt(_moved(voiced, -24)),
        *combs,
        below,
        below * np.sqrt(periods),
        above,
        above * np.sqrt(periods),
        below * np.sqrt(_moved(voiced, -12)),
        height,
        height**2,
    ]
    votes = np.stack([pitch, weight])
    return PitchEvidence(np.stack(of_notes, 1), votes, periods, voiced, harmonics, x, found, heard)


def _combs(found: Partials) -> tuple[float, np.ndarray]:
    """How prominent the harmonics of the best note are, and evidence by harmonics, shape `(6, N)`."""
    tried = 440 * 2 ** ((NOTES[:, None] - 69 + _CENTS / 100) / 12)

    def at(*multiples: float) -> np.ndarray:
        return np.stack([found.near(multiple * tried, 10) for multiple in multiples])

    harmonics = at(*range(1, HARMONICS + 1))
    weight = 1 / np.sqrt(np.arange(1, HARMONICS + 1))
    comb = np.tensordot(weight / weight.sum(), harmonics, 1)
    half = at(0.5, 1.5, 2.5, 3.5).mean(0)
    third = at(1 / 3, 2 / 3, 4 / 3, 5 / 3).mean(0)
    odd = harmonics[[2, 4, 6]].mean(0)
    even = harmonics[[1, 3, 5]].mean(0)
    best = (comb - 0.5 * half - 0.3 * third).argmax(1)[:, None]
    kinds = [half, third, harmonics[0], odd, even, np.minimum(odd, even)]
    combs = np.stack([np.take_along_axis(kind, best, 1)[:, 0] for kind in kinds])
    return float(np.take_along_axis(comb, best, 1).max()), combs


def _shares(pitch: np.ndarray, weight: np.ndarray, notes: np.ndarray = NOTES) -> np.ndarray:
    """Adds weights up by note, shape `(N,)`; more than 0.3 semitones off, a neighbour gets a share, up to half."""
    off = np.abs(pitch[None] - notes[:, None])
    return (np.clip((0.7 - off) / 0.4, 0, 1) * weight).sum(1)


def _spread(pitches: np.ndarray, sounding: float) -> np.ndarray:
    """Chances of notes where several sound: half for the one that was taken, half for all alike, shape `(N,)`."""
    # What is lower or higher than all notes counts for the last of them.
    taken = _shares(np.clip([sounding], NOTES[0], NOTES[-1]), np.ones(1))
    every = _shares(np.clip(pitches, NOTES[0], NOTES[-1]), np.ones(len(pitches)))
    return taken / taken.sum() + every / every.sum()


def _moved(shares: np.ndarray, semitones: int) -> np.ndarray:
    """What note `n - semitones` has, for each note `n`; 0 for notes that are not there."""
    size = len(shares)
    moved = np.zeros_like(shares)
    moved[max(semitones, 0) : size + min(semitones, 0)] = shares[max(-semitones, 0) : size - max(semitones, 0)]
    return moved


def _keys(chances: np.ndarray, claimed: float) -> np.ndarray:
    """Chance of each MIDI note to be the key, given the chances of what sounds and that of a pitch; shape `(128,)`."""
    sounding = np.zeros(128)
    sounding[NOTES] = chances / max(float(chances.sum()), 1e-12)
    keys = np.zeros(128)
    for interval, chance in _OFF_BY.items():
        keys += claimed * chance * _moved(sounding, interval)
    for pitch, chance in _UNPITCHED.items():
        keys[pitch] += (1 - claimed) * chance
    return keys


def _sounding(found: PitchEvidence, note: float) -> float:
    """The pitch that sounds, in semitones with decimals, where the note is known."""
    line = found.motion.line
    near = line[np.abs(line - note) < 6]
    if len(near) and np.ptp(near) > _MOVING and abs(_middle(near) - note) < 1:
        return _middle(near)
    comb = 440 * 2 ** ((note - 69 + _CENTS / 100) / 12)
    prominent = sum(found.partials.near(k * comb, 0) / k**0.5 for k in range(1, HARMONICS + 1))
    tuned = found.partials.tuned(float(comb[np.argmax(prominent)]))
    return note if tuned is None else 69 + 12 * float(np.log2(tuned / 440))


def _chord(found: PitchEvidence) -> tuple[float, ...]:
    """The notes of a chord, if both halves of the sound have them: one note after the other is none."""
    chord = chord_notes(found.partials)
    if not chord or is_one_note(chord, float(NOTES[found.chances.argmax()])):
        return ()
    half = len(found.samples) // 2
    for part in (found.samples[:half], found.samples[half:]):
        notes = chord_notes(partials(part))
        if len(notes) != len(chord) or np.abs(np.array(notes) - chord).max() > 0.3:
            return ()
    return chord


def _of_tuning(found: PitchEvidence, sounding: float) -> str:
    """What is said about a tuning; one that periods and partials do not agree on is not told."""
    near = np.abs(found.votes[0] - sounding) < 0.7
    pitch = found.votes[0][near]
    weight = found.votes[1][near]
    order = pitch.argsort()
    running = weight[order].cumsum()
    agreed = len(pitch) > 0 and abs(pitch[order][running.searchsorted(running[-1] / 2)] - sounding) < _AGREED
    return of_tuning(found.partials, sounding, agreed=bool(agreed))


def _middle(line: np.ndarray) -> float:
    """Where a moving pitch is: in the middle of a vibrato, where it rests, or else halfway."""
    if vibrato(line):
        return float(np.mean(line))
    near = np.abs(line[:, None] - line) < 0.25
    rest = near[near.sum(1).argmax()]
    return float(line[rest].mean() if rest.mean() > 0.4 else np.median(line))


def _cents(key: int, sounding: float, *, whole: bool) -> float:
    """How far above a key the sound is tuned, where the key may be octaves from what sounds.

    Another note is out of tune by as much as what sounds, but that of a chord or a glide is a note by itself: `whole`.
    """
    off = (sounding - key + 6) % 12 - 6
    if abs(off) > 1:
        off = 0.0 if whole else sounding - round(sounding)
    return round(100 * off, 1)
