"""Where the notes of a voice begin and end: steady pitches, parted by consonants, placed by the level."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from ..audio.pitch.contour import FRAME, RATE, Contour

__all__ = ["HOP", "NoteSpan", "fine_levels", "level_of_span", "note_spans", "pitch_of_span"]

HOP = 0.004
"""Seconds from one level to the next."""

_SHORTEST_NOTE = 0.06  # seconds
_WINDOW = 0.024  # seconds that one level is of: two periods of the lowest voices
_EDGE = 0.06  # seconds at both ends of a note in which a dip parts nothing
_SHOULDER = 0.065  # seconds before and after a dip in which the level is as high as before; tremolo takes longer
_DIP_DB = 4.2  # of a consonant between two notes of one pitch, at least
_DEEP_DB = 9.0  # of a dip that tremolo does not make
_TREMOLO_PERIOD = 0.22  # seconds from one dip of a tremolo to the next, at most
_STEADY_PACE = 0.25  # share by which two periods may differ
_SWING_DB = 5.0  # more, for each semitone that the pitch swings: vibrato moves harmonics through formants
_STEADY_SWING = 0.3  # semitones that the pitch of a voice moves without vibrato
_RISE_DB = 15.0  # below the level of a note, where it begins and ends
_ABOVE_FLOOR_DB = 4.0
_NEAR = 0.08  # seconds that the beginning and the end of a note are moved at most
_FAINT_DB = 36.0  # below the loudest note, from which on it is an echo or noise
_ECHO_DB = 10.0  # below the note before
_ECHO_AFTER = 0.1  # seconds
_SAME_PITCH = 0.6  # semitones between two notes that may be one


@dataclass(frozen=True)
class NoteSpan:
    """A note before its pitch is known.

    Args:
        onset: Where it begins, in seconds.
        end: Where it ends, in seconds.
    """

    onset: float
    end: float


def note_spans(heard: Contour, levels: np.ndarray) -> list[NoteSpan]:
    """Returns where the notes of a voice are, in order.

    The segmentation of SwiftF0 finds few steady pitches that explain the contour. What it cannot find are notes of one
    pitch with nothing but a consonant between them: these are short dips of the level. The level then says where each
    note begins and ends. Echoes and noise, far below the loudest note, are left out, and a note that drifts is joined.

    Args:
        heard: The contour of the pitch.
        levels: See `fine_levels`.
    """
    spans: list[NoteSpan] = []
    for span in _segments(heard):
        spans += _parted(span, heard, levels)
    spans = _loud(_placed(spans, levels), levels)
    return _of_one_note(_without_echoes(spans, heard, levels), heard, levels)


def _segments(heard: Contour) -> list[NoteSpan]:
    # Here, not above: 0.15 s that only those pay who ask for a melody.
    from swift_f0 import PitchResult, segment_notes

    count = len(heard.pitch)
    result = PitchResult(
        timestamps=np.arange(count) * FRAME,
        pitch_hz=440 * 2 ** ((heard.pitch - 69) / 12),
        confidence=heard.confidence,
        loudness_db=20 * np.log10(np.maximum(count * heard.level, 1e-7)),
    )
    return [NoteSpan(note.start, note.end) for note in segment_notes(result)]


def fine_levels(samples: np.ndarray) -> np.ndarray:
    """Returns the level of a sound in dB relative to full scale, once every `HOP` seconds, shape `(M,)`.

    Args:
        samples: Mono at `yin.RATE`, shape `(T,)`.
    """
    size = round(_WINDOW * RATE)
    window = np.hanning(size + 2)[1:-1]
    power = np.convolve(np.square(samples, dtype=np.float64), window / window.sum(), "same")
    places = np.round(np.arange(0, len(samples), HOP * RATE)).astype(int)
    return 10 * np.log10(power[places[places < len(samples)]] + 1e-12)


def _parted(span: NoteSpan, heard: Contour, levels: np.ndarray) -> list[NoteSpan]:
    """A note, or the notes of one pitch that it is: a consonant makes a short dip in the level."""
    first = round(span.onset / HOP)
    inside = levels[first : round(span.end / HOP)]
    edge = round(_EDGE / HOP)
    reach = round(_SHOULDER / HOP)
    dips: list[_Dip] = []
    for place in range(edge, len(inside) - edge):
        before = inside[max(0, place - reach) : place + 1]
        after = inside[place : place + reach + 1]
        if inside[place] > min(before.min(), after.min()):
            continue
        depth = float(min(before.max(), after.max()) - inside[place])
        at = (first + place) * HOP
        if depth > _least_dip(heard, at) and not (dips and at - dips[-1].at < _EDGE):
            dips.append(_Dip(at, depth))
    cuts = [span.onset, *_without_tremolo(dips), span.end]
    return [NoteSpan(onset, end) for onset, end in itertools.pairwise(cuts)]


@dataclass(frozen=True)
class _Dip:
    """A short dip of the level: when, in seconds, and how deep, in dB."""

    at: float
    depth: float


def _without_tremolo(dips: list[_Dip]) -> list[float]:
    """Where the dips are that part notes: shallow ones that come at a steady pace, faster than syllables, do not."""
    apart = np.diff([dip.at for dip in dips])
    trembling = np.zeros(len(dips), bool)
    for place in range(len(apart) - 1):
        near = apart[place : place + 2]
        if near.max() <= _TREMOLO_PERIOD and near.max() - near.min() <= _STEADY_PACE * near.max():
            trembling[place : place + 3] = True
    return [dip.at for dip, is_tremolo in zip(dips, trembling, strict=True) if not is_tremolo or dip.depth > _DEEP_DB]


def _least_dip(heard: Contour, at: float) -> float:
    """The least dip in dB that parts two notes at a time.

    In a vibrato harmonics move through formants, and the level dips with every turn. A scoop comes after a consonant,
    so the pitch before it says whether there is a vibrato.
    """
    last = round(at / FRAME)
    before = heard.pitch[max(0, last - 10) : max(1, last - 1)]
    swing = float(np.ptp(np.quantile(before, [0.1, 0.9])))
    return _DIP_DB + _SWING_DB * max(0.0, swing - _STEADY_SWING)


def _placed(spans: list[NoteSpan], levels: np.ndarray) -> list[NoteSpan]:
    """The notes with their beginnings and ends where the level says so."""
    floor = float(np.quantile(levels, 0.05)) + _ABOVE_FLOOR_DB if len(levels) else 0.0
    placed: list[NoteSpan] = []
    for number, span in enumerate(spans):
        loud = level_of_span(span, levels)
        threshold = max(loud - _RISE_DB, min(floor, loud - _RISE_DB / 2))
        earliest = placed[-1].end if placed else 0.0
        latest = spans[number + 1].onset if number + 1 < len(spans) else len(levels) * HOP
        onset = _onset(span, levels, threshold, earliest)
        end = _end(span, levels, threshold, latest)
        if end - onset >= _SHORTEST_NOTE:
            placed.append(NoteSpan(onset, end))
    return placed


def level_of_span(span: NoteSpan, levels: np.ndarray) -> float:
    """Returns the level of a note where it is loud, in dB; see `fine_levels`."""
    inside = levels[round(span.onset / HOP) : max(round(span.end / HOP), round(span.onset / HOP) + 1)]
    return float(np.quantile(inside, 0.9)) if len(inside) else -120.0


def _onset(span: NoteSpan, levels: np.ndarray, threshold: float, earliest: float) -> float:
    """Where the level rises through a threshold; else at the bottom of a dip; else where the pitch changed."""
    first = max(round(max(span.onset - _NEAR, earliest) / HOP), 0)
    last = min(round(min(span.onset + _NEAR, (span.onset + span.end) / 2) / HOP), len(levels) - 1)
    near = levels[first : last + 1]
    reach = round(_SHOULDER / HOP)
    if not len(near):
        return max(span.onset, earliest)
    below = np.flatnonzero(near < threshold)
    if len(below):
        return (first + int(below[-1]) + 1) * HOP
    if first == 0:
        return 0.0  # it sounds when the recording begins
    place = first + int(near.argmin())
    dip = _depth(levels, first, place, last)
    if dip < _DIP_DB / 2:
        # A consonant may begin where the pitch changes, and end a little later.
        place = first + int(levels[first : last + 1 + reach].argmin())
        dip = _depth(levels, first, place, place + reach) - _DIP_DB / 2
    return place * HOP if dip >= _DIP_DB / 2 else max(span.onset, earliest)


def _depth(levels: np.ndarray, first: int, place: int, last: int) -> float:
    """How deep a place lies below what is before and after it, in dB."""
    return float(min(levels[first : place + 1].max(), levels[place : last + 1].max()) - levels[place])


def _end(span: NoteSpan, levels: np.ndarray, threshold: float, latest: float) -> float:
    """Where the level falls below a threshold, at most where the next note begins."""
    first = round(max((span.onset + span.end) / 2, span.end - _NEAR) / HOP)
    last = min(round(min(span.end + _NEAR, latest) / HOP), len(levels) - 1)
    below = np.flatnonzero(levels[first : last + 1] < threshold)
    return min((first + int(below[0])) * HOP if len(below) else last * HOP, latest)


def _loud(spans: list[NoteSpan], levels: np.ndarray) -> list[NoteSpan]:
    """The notes without those that are an echo or noise."""
    loud = [level_of_span(span, levels) for span in spans]
    return [span for span, level in zip(spans, loud, strict=True) if level > max(loud) - _FAINT_DB]


def _without_echoes(spans: list[NoteSpan], heard: Contour, levels: np.ndarray) -> list[NoteSpan]:
    """The notes without those that are the echo of the one before: at once, on its pitch, and much softer."""
    kept: list[NoteSpan] = []
    for span in spans:
        if kept and span.onset - kept[-1].end < _ECHO_AFTER:
            softer = level_of_span(kept[-1], levels) - level_of_span(span, levels) > _ECHO_DB
            apart = abs(pitch_of_span(span, heard) - pitch_of_span(kept[-1], heard))
            if softer and apart < _SAME_PITCH:
                continue
        kept.append(span)
    return kept


def _of_one_note(spans: list[NoteSpan], heard: Contour, levels: np.ndarray) -> list[NoteSpan]:
    """Joins what follows at once on nearly the same pitch without a dip: a voice that drifts."""
    joined: list[NoteSpan] = []
    for span in spans:
        if joined and span.onset - joined[-1].end < HOP:
            last = joined[-1]
            apart = abs(pitch_of_span(span, heard) - pitch_of_span(last, heard))
            place = round(span.onset / HOP)
            reach = round(_SHOULDER / HOP)
            near = levels[max(0, place - reach) : place + reach + 1]
            shallow = min(near[: reach + 1].max(), near[reach:].max()) - near.min() < _DIP_DB
            if apart < _SAME_PITCH and shallow:
                joined[-1] = replace(last, end=span.end)
                continue
        joined.append(span)
    return joined


def pitch_of_span(span: NoteSpan, heard: Contour) -> float:
    """Returns the weighted median of the pitch of a note, without its beginning and its end, in semitones."""
    length = span.end - span.onset
    time = np.arange(len(heard.pitch)) * FRAME
    inside = (time >= span.onset + 0.2 * length) & (time <= span.end - 0.1 * length)
    if not (heard.weight[inside] > 0).any():
        inside = np.abs(time - (span.onset + span.end) / 2) <= max(FRAME, length / 2)
    pitch = heard.pitch[inside]
    order = pitch.argsort()
    running = np.cumsum(np.maximum(heard.weight[inside][order], 1e-12))
    return float(pitch[order][np.searchsorted(running, running[-1] / 2)])
