"""The melody of a voice: its notes, the tuning of the singer, and how pitch, level and brightness move."""

from dataclasses import dataclass

import numpy as np

from ..audio.conditioning import resample
from ..audio.note_names import note_name
from ..audio.pitch.contour import FRAME, RATE, Contour, contour, partials
from ..audio.pitch.remarks import chord_notes, is_one_note
from ..audio.sound import Sound
from ..errors import AudioError
from .note_spans import HOP, NoteSpan, fine_levels, level_of_span, note_spans, pitch_of_span

__all__ = ["LONGEST_VOICE", "Melody", "SketchNote", "VoiceContours", "melody_of", "voice_contours"]

LONGEST_VOICE = 120.0
"""Seconds of a voice that are read; what comes later is ignored."""

_SHORTEST_VOICE = 0.1  # seconds
_SPECTRUM = 2048  # samples, as for the attribute
_VOICED = 0.5  # the network's own threshold
_AGREED = 0.5  # resultant of the tunings of all notes, 0 to 1, below which there is no common tuning
_LOUDEST_VELOCITY = 112
_LEAST_IN_NOTES = 0.35  # share of the level of a sound that is in its notes, at least, if it is a voice
_SAME_CHORD = 0.3  # semitones
_CHORD_SHARE = 0.5  # of the time in notes, above which several sound at once
_DRUM_HITS = 3  # at least
_SHARPEST_DB = 12.0  # rise within 20 ms that a drum makes


@dataclass(frozen=True)
class SketchNote:
    """A note of a voice.

    Args:
        onset: Seconds from the beginning of the recording.
        end: Seconds from the beginning of the recording to where the key is released.
        pitch: What was sung, in semitones with decimals, 69 at 440 Hz.
        key: The MIDI note that was meant: the nearest in the tuning of the singer.
        cents: How far above that it was sung, in the tuning of the singer.
        level_db: Level where it is loud, in dB relative to full scale.
        velocity: MIDI velocity, 1 to 127.
    """

    onset: float
    end: float
    pitch: float
    key: int
    cents: float
    level_db: float
    velocity: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.onset


@dataclass(frozen=True)
class VoiceContours:
    """What moves in a voice, frame by frame.

    Args:
        pitch: In semitones, 69 at 440 Hz; shape `(N,)`. What stands in frames without a voice means nothing.
        confidence: Chance that there is that pitch, 0 to 1, shape `(N,)`.
        level_db: Level of each frame in dB relative to full scale, shape `(N,)`.
        brightness: Of each frame as the attribute measures it, the centre of its spectrum in octaves above 1 Hz; shape
            `(N,)`.
    """

    pitch: np.ndarray
    confidence: np.ndarray
    level_db: np.ndarray
    brightness: np.ndarray

    @property
    def seconds(self) -> np.ndarray:
        """Where the middle of each frame is, in seconds from the beginning, shape `(N,)`."""
        return np.arange(len(self.pitch)) * FRAME

    @property
    def voiced(self) -> np.ndarray:
        """Which frames have a pitch, shape `(N,)`."""
        return self.confidence >= _VOICED

    def within(self, note: SketchNote) -> np.ndarray:
        """Which frames lie in a note, shape `(N,)`."""
        return (self.seconds >= note.onset) & (self.seconds < note.end)

    def brightness_path(self, note: SketchNote) -> np.ndarray:
        """How bright the voice is in each frame of a note, against its mean over the note, in octaves."""
        inside = self.brightness[self.within(note)]
        return inside - inside.mean() if len(inside) else inside


@dataclass(frozen=True)
class Melody:
    """What a voice sang.

    Args:
        notes: In the order of their onsets; at least one.
        tuning: How far above A = 440 Hz the singer is, in cents, -50 to 50.
        agreed: Whether the notes share that tuning; if not, it is 0.
        contours: What moves in the voice.
        seconds: Length of the recording.
    """

    notes: tuple[SketchNote, ...]
    tuning: float
    agreed: bool
    contours: VoiceContours
    seconds: float

    @property
    def remark(self) -> str:
        """What a user should know about the tuning, in one plain line."""
        if not self.agreed:
            return "the notes share no tuning: each is rounded to the nearest key at A = 440 Hz"
        cents = round(abs(self.tuning))
        if cents < 5:
            return "the voice is tuned to A = 440 Hz"
        side = "above" if self.tuning > 0 else "below"
        return f"the voice is {cents} cents {side} A = 440 Hz: its notes are rounded relative to that"


def melody_of(sound: Sound) -> Melody:
    """Returns the notes of a voice.

    SwiftF0 finds the pitch of each frame, and `note_spans` the notes. People do not sing at A = 440 Hz, so the tuning
    that all notes share is estimated first, and pitches are rounded to keys relative to it.

    References:
        Nieradzik, SwiftF0: Fast and Accurate Monophonic Pitch Detection (2025), https://arxiv.org/abs/2508.18440

    Args:
        sound: The recording.

    Raises:
        AudioError: If it is shorter than 0.1 s, or holds no melody: noise, drums, or several notes at once.
    """
    name = sound.name or "the voice"
    if sound.seconds < _SHORTEST_VOICE:
        raise AudioError(
            f"{name} lasts {1000 * sound.seconds:.0f} ms: at least {1000 * _SHORTEST_VOICE:.0f} ms are needed."
        )
    samples = resample(sound.samples, sound.rate, RATE)
    heard = contour(samples)
    levels = fine_levels(samples)
    spans = note_spans(heard, levels)
    _check_melody(name, samples, spans, heard)
    notes, tuning, agreed = _tuned(spans, heard, levels)
    return Melody(tuple(notes), tuning, agreed, voice_contours(samples, RATE, heard), len(samples) / RATE)


def voice_contours(samples: np.ndarray, rate: int, heard: Contour | None = None) -> VoiceContours:
    """Returns how pitch, level and brightness of a sound move.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        heard: The contour of its pitch, where that is known.
    """
    samples = resample(samples, rate, RATE)
    heard = contour(samples) if heard is None else heard
    short = _frames(samples, len(heard.pitch), 2 * round(FRAME * RATE))
    level_db = 10 * np.log10(np.mean(np.square(short, dtype=np.float64), 1) + 1e-12)
    hz = np.fft.rfftfreq(_SPECTRUM, 1 / RATE)
    window = np.hanning(_SPECTRUM).astype(np.float32)
    brightness = np.zeros(len(heard.pitch))
    for place, frame in enumerate(_frames(samples, len(heard.pitch), _SPECTRUM)):
        size = np.abs(np.fft.rfft(frame * window))
        centroid = float(size @ hz / max(float(size.sum()), 1e-12))
        brightness[place] = np.log2(max(centroid, 1.0))
    return VoiceContours(heard.pitch, heard.confidence, level_db, brightness)


def _frames(samples: np.ndarray, count: int, size: int) -> np.ndarray:
    """Windows of a sound around the middle of each frame, a view of shape `(N, size)`."""
    starts = np.round(np.arange(count) * FRAME * RATE).astype(int)
    missing = max(0, (starts[-1] if count else 0) + size - len(samples))
    padded = np.pad(samples, (size // 2, missing))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[starts]


def _tuned(spans: list[NoteSpan], heard: Contour, levels: np.ndarray) -> tuple[list[SketchNote], float, bool]:
    """The notes on the keys that were meant, the tuning of the singer in cents, and whether the notes share it."""
    pitches = np.array([pitch_of_span(span, heard) for span in spans])
    lengths = np.array([span.end - span.onset for span in spans])
    # Tunings are angles: 49 cents above a key is as good as 51 below the next.
    resultant = np.sum(lengths * np.exp(2j * np.pi * pitches)) / lengths.sum()
    agreed = bool(np.abs(resultant) >= _AGREED)
    tuning = float(np.angle(resultant) / (2 * np.pi)) if agreed else 0.0
    loud = [level_of_span(span, levels) for span in spans]
    notes = []
    for span, pitch, level in zip(spans, pitches.tolist(), loud, strict=True):
        key = min(max(round(pitch - tuning), 0), 127)
        cents = 100 * (pitch - tuning - key)
        velocity = _velocity(level - max(loud))
        notes.append(SketchNote(span.onset, span.end, pitch, key, cents, level, velocity))
    return notes, 100 * tuning, agreed


def _velocity(below_db: float) -> int:
    """Velocity for a level relative to the loudest note, by the General MIDI rule: 40 dB for each factor of ten."""
    return max(1, round(_LOUDEST_VELOCITY * 10 ** (below_db / 40)))


def _check_melody(name: str, samples: np.ndarray, spans: list[NoteSpan], heard: Contour) -> None:
    """Makes sure that a sound is a melody of one voice.

    Raises:
        AudioError: If not, with what was found instead.
    """
    advice = "Hum or sing one note at a time."
    time = np.arange(len(heard.level)) * FRAME
    inside = np.zeros(len(time), bool)
    for span in spans:
        inside |= (time >= span.onset) & (time < span.end)
    share = float(heard.level[inside].sum())
    has_notes = share >= _LEAST_IN_NOTES
    chord = _chord(samples, spans, heard) if has_notes else _chord_of(samples)
    if chord:
        names = ", ".join(note_name(min(max(round(note), 0), 127)) for note in chord)
        raise AudioError(f"{name} is no single voice: several notes sound at once ({names}). {advice}")
    if not has_notes:
        raise AudioError(f"{name} has no melody: {_without_pitch(samples)}. {advice}")


def _without_pitch(samples: np.ndarray) -> str:
    """What a sound without a melody is, in words."""
    step = round(0.02 / HOP)
    # Before it there is silence: a sound may begin with a hit.
    levels = np.pad(fine_levels(samples), (step, 0), constant_values=-120.0)
    rise = levels[step:] - levels[:-step]
    loud = levels[step:] > levels.max() - 20
    sharp = (rise > _SHARPEST_DB) & loud
    hits = int(np.count_nonzero(np.diff(sharp.astype(int), prepend=0) == 1))
    if hits >= _DRUM_HITS:
        return f"{hits} hits without a steady pitch were found, as of drums"
    if np.ptp(np.quantile(levels[step:], [0.1, 0.9])) < 10:
        return "noise at a steady level was found, without a pitch"
    return "most of it has no steady pitch, as in speech or noise"


def _chord(samples: np.ndarray, spans: list[NoteSpan], heard: Contour) -> tuple[float, ...]:
    """The notes of a chord that most of a sound is; none for one voice."""
    longest = sorted(spans, key=lambda span: span.onset - span.end)[:4]
    seconds = 0.0
    found: tuple[float, ...] = ()
    for span in longest:
        part = samples[round(span.onset * RATE) : round(span.end * RATE)]
        chord = _chord_of(part)
        if chord and not is_one_note(chord, pitch_of_span(span, heard)):
            seconds += span.end - span.onset
            found = found or chord
    return found if seconds > _CHORD_SHARE * sum(span.end - span.onset for span in longest) else ()


def _chord_of(part: np.ndarray) -> tuple[float, ...]:
    """Notes that sound at once in both halves of a sound: one note after the other is no chord."""
    middle = len(part) // 2
    first = chord_notes(partials(part[:middle]))
    second = chord_notes(partials(part[middle:]))
    same = len(first) == len(second) and np.allclose(first, second, atol=_SAME_CHORD)
    return first if same else ()
