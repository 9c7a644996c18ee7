"""Writes a resynthesis as a preset of Vital: wavetables, the shapes that walk through them, four macros."""

import base64
import math
from typing import Any

import numpy as np

from ..presets import Preset
from ..presets.vital import CORE, NEWEST, controls, document_of, fresh_part, pack_state, state_of, values_of
from .course import TableWalk
from .resynthesis import RATE, Resynthesis
from .wave_table import NoiseLoop, Voice, WaveTable

__all__ = ["MACROS", "vital_document", "vital_preset"]

MACROS = ("position", "noise", "brightness", "length")
"""What the four macros of the preset are called; each does that."""

_UNTRACKED = 48  # note that an oscillator plays which does not follow the key
_LOWEST = -48  # semitones of an oscillator
_HIGHEST = 48
_ENVELOPE = 2  # kinds of LFO: once, then it stays at its end
_HELD = 3  # stays at its phase until the key is released, then to its end
_LOOP_POINT = 4  # once, then from its phase on again and again
_RELEASE = 4  # LFOs: position, pitch and what both were before, after the release
_GATE = 5
_RELEASE_PITCH = 6
_STAYS = 1.15  # times the release by frames, that a voice stays
_STAYING = 18.0  # power of an envelope that is as good as a step at its end
_LATE = 0.007  # seconds in which Vital fades from frame to frame, so that it is late
_LOUDEST = 0.7  # peak that a note has at full velocity
_VELOCITY = 0.6  # how much a soft note is softer: 1 is all
_AS_RECORDED = (0.0, 0.5, 1.0, 0.5)  # where the macros stand
_MOST_POSITION = 0.85  # share of the table by which the position is moved at most
_OPEN = 136.0  # cutoff of an open filter, in Vital's own number
_CLOSED = 52.0
_MIX_POWER = -4.0  # curve by which the filter is bypassed where its macro is fully up
_LENGTHS = 2.0  # octaves of the speed from one end of the length macro to the other
_RELEASES = 0.38  # share of the release's number that the length macro moves, a factor of two either way
_LFO_OCTAVES = 16.0  # range of an LFO's frequency
_TRANSPOSITIONS = 96.0  # range of an oscillator's transposition, in semitones
_ENVELOPE_RANGE = 2.378420114517212  # of the number of an envelope's time


def vital_preset(found: Resynthesis, name: str = "", author: str = "") -> Preset:
    """Returns a preset that plays a recording.

    Args:
        found: The recording taken apart.
        name: Name of the preset.
        author: Who made it.
    """
    document = vital_document(found)
    state = pack_state(state_of(document, CORE))
    return Preset("vital", values_of(document, CORE), name, "", author, state=state)


def vital_document(found: Resynthesis) -> dict[str, Any]:
    """Returns the content of a `.vital` file.

    All is in the document. What is set through controls after a preset was loaded glides there, and a walk through a
    table that glides comes late.
    """
    document = document_of({}, {})
    document |= {"synth_version": NEWEST, "comments": _comments(found)}
    settings = document["settings"]
    for control_name, control in controls().items():
        settings[control_name] = control.default
    settings["modulations"] = [{"source": "", "destination": ""} for _ in settings["modulations"]]
    settings["wavetables"] = fresh_part("wavetables")
    settings["sample"] = _silent_sample()
    for number, macro in enumerate(MACROS, 1):
        document[f"macro{number}"] = macro.upper()
        settings[f"macro_control_{number}"] = _AS_RECORDED[number - 1]
    patch = _Patch(settings, found)
    patch.write()
    return document


class _Patch:
    """Fills settings in; modulations take the slots in the order in which they are made."""

    def __init__(self, settings: dict[str, Any], found: Resynthesis) -> None:
        self.settings = settings
        self.found = found
        self.slots = 0
        self.released = len(found.path.release_times) > 0

    def write(self) -> None:
        """Writes all."""
        found = self.found
        loudness, boost = self._loudness()
        self._envelope()
        self.settings["osc_1_on"] = 0.0  # on in a fresh Vital
        self._lfo(1, found.path.times, found.path.places / 256, "position")
        if self.released:
            self._release()
        for number, voice in enumerate(found.voices, 1):
            self._oscillator(number, voice)
            self._level(f"osc_{number}_level", math.sqrt(loudness[number - 1]), is_noise=voice.kind == "lines")
        if len(found.curve[0]):
            self._pitch()
        if found.noise is not None:
            self._noise(found.noise, boost)
        self._macros()
        self.settings["volume"] = controls()["volume"].number(20 * math.log10(1 / boost) if boost < 1 else 0.0)

    def connect(self, source: str, destination: str, amount: float, power: float = 0.0) -> int:
        """Makes a modulation and returns the number of its slot."""
        self.slots += 1
        number = self.slots
        self.settings["modulations"][number - 1] = {"source": source, "destination": destination}
        parts = {"amount": amount, "power": power, "bipolar": 0.0, "stereo": 0.0, "bypass": 0.0}
        for part, value in parts.items():
            self.settings[f"modulation_{number}_{part}"] = value
        return number

    def _loudness(self) -> tuple[list[float], float]:
        """Levels of the oscillators, 0 to 1, and by what all is too loud for one note.

        A level that the noise macro moves is in the middle of its range, so at most a quarter.
        """
        peaks = [_peak(voice.table) for voice in self.found.voices]
        wanted = []
        for voice, peak in zip(self.found.voices, peaks, strict=True):
            wanted.append(peak * (4.0 if voice.kind == "lines" else 1.0))
        if self.found.noise is not None:
            wanted.append(4.0 * float(self.found.noise.levels.max()))
        most = max([*wanted, 1e-9])
        loudest = float(np.abs(self.found.sound()).max())
        return [peak / most for peak in peaks], loudest / (most * _LOUDEST)

    def _envelope(self) -> None:
        self.settings |= {"env_1_attack": 0.0, "env_1_decay": 0.0, "env_1_sustain": 1.0}
        self.settings["velocity_track"] = _VELOCITY
        seconds = self.found.course.release
        bend = self.found.course.bend
        if self.released:
            # Frames fade the note out; its voice has to stay as long.
            seconds = float(self.found.path.release_times[-1]) * _STAYS
            bend = -_STAYING
        release = _number("env_1_release", seconds)
        self.settings["env_1_release_power"] = -bend
        self.settings["env_1_release"] = release * (1 - _RELEASES / 2)
        self.connect("macro_control_4", "env_1_release", _RELEASES * release / _ENVELOPE_RANGE)

    def _oscillator(self, number: int, voice: Voice) -> None:
        is_lines = voice.kind == "lines"
        tracks = not is_lines or self.found.tracks_key
        name = f"osc_{number}"
        parts = {
            "on": 1.0, "random_phase": 0.0, "phase": 0.5, "destination": 0.0, "wave_frame": 0.5,
            "midi_track": float(tracks), "unison_voices": 1.0,
        }  # fmt: skip
        for part, value in parts.items():
            self.settings[f"{name}_{part}"] = value
        self.settings["wavetables"][number - 1] = _table(voice.table, "Noise" if is_lines else "Harmonics")
        semitones = 69 + 12 * math.log2(voice.hz / 440) - (self.found.key if tracks else _UNTRACKED)
        self._transpose(name, semitones)
        self._gated(self.connect("lfo_1", f"{name}_wave_frame", 1.0), 1.0)
        self._gated(self.connect("macro_control_1", f"{name}_wave_frame", self._reach()), self._reach())
        if self.released:
            self.connect(f"lfo_{_RELEASE}", f"{name}_wave_frame", 1.0)

    def _reach(self) -> float:
        """By what share of the table the position macro moves: to where the sound still is loud."""
        path = self.found.path
        end = float(path.places.max()) if path.loop is None else float(path.at(np.array([path.loop]))[0])
        return float(np.clip(end / 256, 0.2, _MOST_POSITION))

    def _transpose(self, name: str, semitones: float) -> None:
        whole = int(np.clip(round(semitones), _LOWEST, _HIGHEST))
        self.settings[f"{name}_transpose"] = float(whole)
        self.settings[f"{name}_tune"] = float(np.clip(semitones - round(semitones), -1, 1))
        if round(semitones) != whole:
            # A modulation goes on where the knob ends: by the last LFO, which stays as it is.
            last = self.settings["lfos"][7]
            last |= {"name": "Constant", "num_points": 2, "points": [0.0, 0.0, 1.0, 0.0], "powers": [0.0, 0.0]}
            self.connect("lfo_8", f"{name}_transpose", (round(semitones) - whole) / _TRANSPOSITIONS)

    def _level(self, control: str, number: float, *, is_noise: bool) -> None:
        if not is_noise:
            self.settings[control] = min(number, 1.0)
            return
        self.settings[control] = 0.0
        self.connect("macro_control_2", control, min(2 * number, 1.0))

    def _lfo(self, number: int, times: np.ndarray, values: np.ndarray, name: str) -> None:
        """A shape that is walked through once, then from the loop on again and again."""
        path = self.found.path
        # Vital is late by the time in which it fades to a frame.
        seconds = _early(np.array([path.seconds]))[0]
        self._shape(number, _early(times) / seconds, values, name)
        if path.loop is None:
            self._speed(number, seconds, _ENVELOPE, 0.0)
        else:
            self._speed(number, seconds, _LOOP_POINT, float(_early(np.array([path.loop]))[0] / seconds))

    def _shape(self, number: int, along: np.ndarray, values: np.ndarray, name: str) -> None:
        # Its y goes down.
        points = np.stack([along, 1 - values], axis=1)
        shape = {"name": name, "num_points": len(points), "smooth": False, "powers": [0.0] * len(points)}
        self.settings["lfos"][number - 1] = {**shape, "points": [round(float(value), 7) for value in points.ravel()]}

    def _speed(self, number: int, seconds: float, kind: int, phase: float) -> None:
        parts = {
            "sync": 0.0,
            "sync_type": float(kind),
            "phase": phase,
            "frequency": math.log2(1 / seconds) + _LENGTHS / 2,
            "keytrack_transpose": 0.0,
        }
        for part, value in parts.items():
            self.settings[f"lfo_{number}_{part}"] = value
        self.connect("macro_control_4", f"lfo_{number}_frequency", -_LENGTHS / _LFO_OCTAVES)

    def _release(self) -> None:
        """What walks through the frames of the release, and what takes the place of the walk before."""
        path = self.found.path
        self._after(_RELEASE, path.release_times, path.release_places / 256, "release")
        self._after(_GATE, path.release_times, np.ones(len(path.release_times)), "released")

    def _after(self, number: int, times: np.ndarray, values: np.ndarray, name: str) -> None:
        """A shape that begins with the release of the key, at 0 until then."""
        values = np.concatenate([[0.0], values[1:]])
        self._shape(number, times / times[-1], values, name)
        self._speed(number, float(times[-1]), _HELD, 0.0)

    def _gated(self, slot: int, amount: float) -> None:
        """Takes a modulation away when the key is released."""
        if self.released:
            # The range of an amount is -1 to 1: half of a modulation is the whole amount.
            self.connect(f"lfo_{_GATE}", f"modulation_{slot}_amount", -amount / 2)

    def _pitch(self) -> None:
        times, semitones = self.found.curve
        low = float(semitones.min())
        span = max(float(np.ptp(semitones)), 1e-3)
        assert self.found.track is not None
        share = (semitones - low) / span
        self._lfo(2, *_along(self.found.path, times, share), "pitch")
        self._transpose("osc_1", self.found.track.middle - self.found.key + low)
        self._gated(self.connect("lfo_2", "osc_1_transpose", span / _TRANSPOSITIONS), span / _TRANSPOSITIONS)
        if self.released:
            path = self.found.path
            off = self.found.course.hold
            inside = (times > off + path.release_times[1]) & (times < off + path.release_times[-1])
            later = np.concatenate([path.release_times[:2], times[inside] - off, path.release_times[-1:]])
            self._after(_RELEASE_PITCH, later, np.interp(later + off, times, share), "release pitch")
            self.connect(f"lfo_{_RELEASE_PITCH}", "osc_1_transpose", span / _TRANSPOSITIONS)

    def _noise(self, noise: NoiseLoop, boost: float) -> None:
        wanted = [_peak(voice.table) for voice in self.found.voices if voice.kind == "harmonics"]
        most = max([*wanted, 4.0 * float(noise.levels.max()), 1e-9])
        level = np.sqrt(noise.levels / most)
        top = max(float(level.max()), 1e-6)
        times, values = _along(self.found.path, self.found.moments, level / top)
        self._lfo(3, times, values, "noise")
        self.settings["sample"] = _sample(noise.samples)
        parts = {"on": 1.0, "level": 0.0, "loop": 1.0, "keytrack": 0.0, "random_phase": 0.0, "destination": 0.0}
        for part, value in parts.items():
            self.settings[f"sample_{part}"] = value
        slot = self.connect("lfo_3", "sample_level", 0.0)
        # The macro moves how much the curve does: twice the amount is the whole range, from -1 to 1.
        self.connect("macro_control_2", f"modulation_{slot}_amount", top)

    def _macros(self) -> None:
        parts = {"on": 1.0, "cutoff": _CLOSED, "resonance": 0.25, "mix": 1.0, "model": 0.0, "style": 0.0}
        for part, value in parts.items():
            self.settings[f"filter_1_{part}"] = value
        self.connect("macro_control_3", "filter_1_cutoff", (_OPEN - _CLOSED) / 128)
        self.connect("macro_control_3", "filter_1_mix", -1.0, _MIX_POWER)


def _early(times: np.ndarray) -> np.ndarray:
    """Times moved ahead by how late Vital is, but for the very first."""
    return times - np.minimum(times / 2, _LATE)


def _along(path: TableWalk, times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve on the time of the path: there and back again in its loop, or held at the end."""
    end = path.seconds if path.loop is None else (path.loop + path.seconds) / 2
    inside = times < end - 1e-6
    forward = np.append(times[inside], end)
    forward = np.concatenate([[0.0], forward[forward > 0]])
    if path.loop is None:
        return forward, np.interp(forward, times, values)
    within = (forward > path.loop + 1e-6) & (forward < end - 1e-6)
    turning = np.append(2 * end - forward[within][::-1], path.seconds)
    along = np.concatenate([forward, turning])
    there = np.concatenate([forward, 2 * end - turning])
    return along, np.interp(there, times, values)


def _peak(table: WaveTable) -> float:
    return max(float(np.abs(table.waves()).max()), 1e-9)


def _number(control: str, seconds: float) -> float:
    return controls()[control].number(seconds)


def _table(table: WaveTable, name: str) -> dict[str, Any]:
    waves = table.waves() / np.float32(_peak(table))
    frames = []
    for place, wave in zip(table.places.tolist(), waves, strict=True):
        frames.append({"position": place, "wave_data": base64.b64encode(wave.astype("<f4").tobytes()).decode()})
    # `interpolation` 1: of spectra, not of waves. Levels are kept as they are, without `full_normalize`.
    source = {"interpolation": 1, "interpolation_style": 1, "keyframes": frames, "type": "Wave Source"}
    return {
        "author": "",
        "full_normalize": False,
        "groups": [{"components": [source]}],
        "name": name,
        "remove_all_dc": True,
        "version": NEWEST,
    }


def _sample(samples: np.ndarray) -> dict[str, Any]:
    whole = np.round(np.clip(samples, -1, 1) * 32_767).astype("<i2")
    text = base64.b64encode(whole.tobytes()).decode()
    return {"length": len(whole), "name": "Noise", "sample_rate": RATE, "samples": text}


def _silent_sample() -> dict[str, Any]:
    return {**_sample(np.zeros(64)), "name": "None"}


def _comments(found: Resynthesis) -> str:
    what = "wavetables of a recording" if found.voices else "noise of a recording"
    return f"{what}, {found.frames} frames, {found.course.kind}"
