"""Voices that sing melodies with known notes: the sounds that vocal sketches are measured on.

No recording with a free licence comes with annotated notes, so these are made: harmonics of a glottal source under the
formants of a vowel, with what makes singing hard to write down. Notes begin with scoops and are joined by glides, carry
vibrato, drift and errors of intonation; a pitch is repeated with nothing but a consonant in between; the singer is not
tuned to 440 Hz; there is breath, room and noise. Seeds of `DEVELOPMENT` are for choosing constants, `REPORTED` for
results.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve, lfilter

__all__ = ["DEVELOPMENT", "RATE", "REPORTED", "STYLES", "Hummed", "Style", "SungNote", "hummed"]

RATE = 22_050
"""Sample rate, in Hz."""

DEVELOPMENT = (1, 2, 3, 4)
REPORTED = (101,)

_VOWELS = {  # formants in Hz, their bandwidths, and their levels in dB: rough means of Peterson and Barney's tables
    "ah": ((730, 1090, 2440, 3400), (90, 110, 170, 250), (0, -5, -22, -30)),
    "ee": ((290, 2250, 3000, 3500), (60, 100, 150, 250), (0, -18, -22, -30)),
    "oo": ((320, 850, 2240, 3300), (60, 80, 120, 200), (0, -14, -32, -38)),
    "oh": ((500, 900, 2400, 3300), (70, 90, 120, 200), (0, -8, -28, -34)),
    "hum": ((260, 1050, 2200, 3200), (80, 200, 300, 400), (0, -26, -34, -44)),
}
_SCALES = ((0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12), (0, 2, 4, 7, 9, 12, 14), (0, 3, 5, 7, 10, 12))


@dataclass(frozen=True)
class Style:
    """How a melody is sung.

    Args:
        name: What it is.
        vowel: One of the vowels, or `whistle`.
        lowest: MIDI note of the key.
        consonant: What parts notes: `n` and `l` dip by a few dB, `d` and `t` close the mouth, `h` lets air through;
            "" is a new breath of the same tone without a closure.
        legato: Share of the notes that begin without a consonant, by a glide.
        gap: Seconds of silence after a note, lowest and highest.
        beat: Seconds of the shortest note.
        vibrato: Cents either way, on notes that last.
        scoop: Semitones below the note that it may begin at.
        breath_db: Level of the breath in the voice, in dB below it.
        noise_db: Level of the room's noise, in dB below the loudest.
        room: Seconds until the echo of the room is 60 dB down; 0 for none.
    """

    name: str
    vowel: str
    lowest: int
    consonant: str
    legato: float = 0.0
    gap: tuple[float, float] = (0.0, 0.0)
    beat: float = 0.25
    vibrato: float = 20.0
    scoop: float = 0.5
    breath_db: float = -32.0
    noise_db: float = -55.0
    room: float = 0.0


STYLES = (
    Style("hummed low", "hum", 45, "n", legato=0.4, beat=0.30, scoop=1.5),
    Style("hummed high", "hum", 59, "n", legato=0.3, beat=0.26, noise_db=-48.0),
    Style("ah, legato with vibrato", "ah", 50, "h", legato=0.6, beat=0.36, vibrato=70.0, scoop=1.5),
    Style("ah, high with vibrato", "ah", 62, "", gap=(0.05, 0.15), beat=0.32, vibrato=60.0),
    Style("la, low", "ah", 46, "l", beat=0.24, room=0.25),
    Style("la, high", "oh", 60, "l", legato=0.2, beat=0.22, noise_db=-50.0),
    Style("da, staccato", "ah", 48, "d", gap=(0.04, 0.12), beat=0.16),
    Style("doo, repeated notes", "oo", 58, "d", beat=0.22, room=0.3, scoop=0.7),
    Style("whistled", "whistle", 78, "h", legato=0.3, gap=(0.0, 0.08), beat=0.22, breath_db=-22.0),
    Style("ti, soft and breathy", "ee", 64, "t", gap=(0.0, 0.1), beat=0.24, breath_db=-18.0, noise_db=-40.0),
)


@dataclass(frozen=True)
class SungNote:
    """A note that was sung.

    Args:
        onset: Seconds from the beginning of the recording; of a note joined by a glide, the middle of that.
        end: Seconds from the beginning.
        pitch: In semitones with decimals, 69 at 440 Hz, as it is sung: with the singer's tuning and its own error.
    """

    onset: float
    end: float
    pitch: float


@dataclass(frozen=True)
class Hummed:
    """A melody that was sung.

    Args:
        samples: Mono float32, shape `(T,)`.
        notes: What was sung.
        tuning: How far above A = 440 Hz the singer is, in cents.
        keys: The notes that were meant, as MIDI notes.
    """

    samples: np.ndarray
    notes: tuple[SungNote, ...]
    tuning: float
    keys: tuple[int, ...]


@dataclass(frozen=True)
class _Plan:
    """A note before it is sung: when, what, and whether it is joined to the one before."""

    onset: float
    end: float
    key: int
    pitch: float
    joined: bool
    level_db: float
    scoop: float


def hummed(style: Style, seed: int) -> Hummed:
    """Returns a melody of 8 to 14 notes, sung in a style.

    Args:
        style: How.
        seed: Another one is another melody and another singer.
    """
    random = np.random.default_rng([seed, sum(map(ord, style.name))])
    tuning = float(random.uniform(-40, 40))
    plan = _planned(style, tuning, random)
    count = round((plan[-1].end + random.uniform(0.2, 0.5)) * RATE)
    pitch = _pitch_curve(plan, style, count, random)
    level = _level_curve(plan, style, count, random)
    voice = _voice(pitch, level, style, random)
    if style.room:
        voice = _in_a_room(voice, style.room, random)
    voice /= np.abs(voice).max()
    noise = _wandering(random, count, 0.8)
    noise *= 10 ** (style.noise_db / 20) * np.sqrt(np.mean(np.square(voice[level > 0.3]))) / noise.std()
    samples = (0.5 * (voice + noise)).astype(np.float32)
    notes = tuple(SungNote(each.onset, each.end, each.pitch) for each in plan)
    return Hummed(samples, notes, tuning, tuple(each.key for each in plan))


def _planned(style: Style, tuning: float, random: np.random.Generator) -> list[_Plan]:
    """Which notes are sung, and when: steps and small leaps in a scale, a fifth of them on the same pitch again."""
    scale = _SCALES[random.integers(len(_SCALES))]
    place = int(random.integers(len(scale)))
    now = float(random.uniform(0.15, 0.4))
    plan: list[_Plan] = []
    for number in range(int(random.integers(8, 15))):
        step = int(random.choice([-3, -2, -1, 0, 1, 2, 3], p=[0.06, 0.14, 0.2, 0.2, 0.2, 0.14, 0.06]))
        # At both ends of the voice the melody turns back.
        place = place + step if 0 <= place + step < len(scale) else place - step
        key = style.lowest + scale[place]
        length = style.beat * float(random.choice([1, 1.5, 2, 3], p=[0.4, 0.2, 0.25, 0.15]))
        length *= float(random.uniform(0.9, 1.1))
        differs = bool(plan) and plan[-1].key != key
        joined = differs and plan[-1].end == now and bool(random.random() < style.legato)
        scoop = style.scoop * float(random.random()) if random.random() < 0.4 else 0.0
        pitch = key + tuning / 100 + float(random.normal(0, 0.08))
        plan.append(_Plan(now, now + length, key, pitch, joined, float(random.uniform(-5, 0)), scoop))
        now += length + float(random.uniform(*style.gap))
        # A breath now and then: the voice stops.
        if number % 5 == 4:
            now += float(random.uniform(0.2, 0.4))
    return plan


def _pitch_curve(plan: list[_Plan], style: Style, count: int, random: np.random.Generator) -> np.ndarray:
    """Pitch at each sample, in semitones, shape `(T,)`."""
    time = np.arange(count) / RATE
    pitch = np.full(count, plan[0].pitch)
    for each in plan:
        pitch[time >= each.onset] = each.pitch
    # A voice cannot jump: glides of 60 to 110 ms where notes are joined, 30 ms else, their middle where a note begins.
    for before, each in itertools.pairwise(plan):
        width = float(random.uniform(0.06, 0.11)) if each.joined else 0.03
        near = np.abs(time - each.onset) < width / 2
        share = (time[near] - each.onset) / width + 0.5
        pitch[near] = before.pitch + (each.pitch - before.pitch) * (0.5 - 0.5 * np.cos(np.pi * share))
    rate_hz = float(random.uniform(5.0, 6.3))
    for each in plan:
        inside = (time >= each.onset) & (time < each.end)
        since = time[inside] - each.onset
        if each.scoop and not each.joined:
            pitch[inside] -= each.scoop * np.exp(-since / 0.03)
        if each.end - each.onset > 0.35:
            grown = np.clip((since - 0.15) / 0.15, 0, 1)
            pitch[inside] += style.vibrato / 100 * grown * np.sin(2 * np.pi * rate_hz * since)
    drift = _wandering(random, count, 0.9995)
    return pitch + 0.06 * drift / max(float(drift.std()), 1e-9)


_CLOSURES = {  # seconds before a note begins that the consonant takes, its level in dB, and seconds of the attack
    "n": (0.07, -9.0, 0.03),
    "l": (0.06, -8.0, 0.03),
    "d": (0.045, -26.0, 0.012),
    "t": (0.07, -60.0, 0.01),
    "h": (0.07, -22.0, 0.04),
    "": (0.05, -40.0, 0.05),
}


def _level_curve(plan: list[_Plan], style: Style, count: int, random: np.random.Generator) -> np.ndarray:
    """Level at each sample, 0 to 1, shape `(T,)`."""
    time = np.arange(count) / RATE
    closure, closed_db, attack = _CLOSURES[style.consonant]
    points: list[tuple[float, float]] = [(0.0, -90.0)]
    for number, each in enumerate(plan):
        before = plan[number - 1] if number else None
        after = plan[number + 1] if number + 1 < len(plan) else None
        if before is None or each.onset - before.end > 0.03:
            # A note begins where it can be heard, not where the air begins to flow.
            points.append((each.onset - 0.01, -90.0))
            points.append((each.onset, each.level_db - 25))
            points.append((each.onset + attack, each.level_db))
        elif each.joined:
            points.append((each.onset + 0.05, each.level_db))
        else:
            points.append((each.onset, before.level_db + closed_db * float(random.uniform(0.6, 1.2))))
            points.append((each.onset + attack, each.level_db))
        fading = each.level_db - float(random.uniform(0, 3))
        if after is None or after.onset - each.end > 0.03:
            points.append((each.end - 0.04, fading))
            points.append((each.end + 0.02, -90.0))
        elif after.joined:
            points.append((each.end - 0.05, fading))
        else:
            points.append((each.end - closure, fading))
            points.append((each.end - closure * 0.5, fading + closed_db * float(random.uniform(0.6, 1.2))))
    at = np.array([point[0] for point in points])
    level_db = np.array([point[1] for point in points])
    curve = np.interp(time, np.maximum.accumulate(at), level_db)
    silent = curve < -85
    # The level of a voice wavers by 1 dB or so, slowly, and trembles with its vibrato.
    waver = _wandering(random, count, 0.9992)
    curve += 1.0 * waver / max(float(waver.std()), 1e-9)
    curve += style.vibrato / 50 * np.sin(2 * np.pi * float(random.uniform(4.5, 6.5)) * time)
    level = 10 ** (curve / 20)
    level[silent] = 0.0
    return level


def _voice(pitch: np.ndarray, level: np.ndarray, style: Style, random: np.random.Generator) -> np.ndarray:
    """The voice without a room, shape `(T,)`."""
    hz = 440 * 2 ** ((pitch - 69) / 12)
    # Periods of a voice are never quite equal.
    jitter = _wandering(random, len(hz), 0.99)
    hz = hz * (1 + 0.002 * jitter / max(float(jitter.std()), 1e-9))
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    air = random.standard_normal(len(hz))
    if style.vowel == "whistle":
        tone = np.sin(phase) + 0.01 * np.sin(2 * phase)
        breath = np.asarray(lfilter([1.0, 0.0, -1.0], [1.0, -1.2, 0.7], air))
    else:
        tone = np.zeros(len(hz))
        for number in range(1, int(RATE / 2 / hz.min()) + 1):
            multiple = number * hz
            inside = multiple < 0.45 * RATE
            # The glottal source falls by 12 dB an octave, what leaves the mouth gains 6.
            size = _formants(multiple, style.vowel) / number
            tone += np.where(inside, size, 0) * np.sin(number * phase + 0.3 * number)
        frequency = np.fft.rfftfreq(len(air), 1 / RATE)
        breath = np.fft.irfft(np.fft.rfft(air) * _formants(frequency, style.vowel), len(air))
    tone /= tone.std()
    breath *= 10 ** (style.breath_db / 20) / breath.std()
    # Air flows a little longer than the voice sounds.
    flow = np.convolve(np.sqrt(level), np.hanning(441) / np.hanning(441).sum(), "same")
    return tone * level + breath * flow


def _wandering(random: np.random.Generator, count: int, pole: float) -> np.ndarray:
    """Noise that changes slowly, the more slowly the nearer the pole is to 1; shape `(T,)`."""
    return np.asarray(lfilter([1.0], [1.0, -pole], random.standard_normal(count)))


def _formants(hz: np.ndarray, vowel: str) -> np.ndarray:
    """Gain of a vowel, of the shape of `hz`."""
    gain = np.zeros(len(hz))
    for centre, width, level_db in zip(*_VOWELS[vowel], strict=True):
        gain += 10 ** (level_db / 20) / np.sqrt(1 + np.square((hz - centre) / width))
    return gain


def _in_a_room(voice: np.ndarray, seconds: float, random: np.random.Generator) -> np.ndarray:
    """The voice with an echo that is 60 dB down after so many seconds, 12 dB below it in all."""
    time = np.arange(round(seconds * RATE)) / RATE
    echo = random.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    echo[: round(0.005 * RATE)] = 0
    wet = np.asarray(fftconvolve(voice, echo))[: len(voice)]
    return voice + wet * 10 ** (-12 / 20) * voice.std() / wet.std()
