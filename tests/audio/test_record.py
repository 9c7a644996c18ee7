"""Recording from a microphone, by a device that is made for the test: no machine that tests has one."""

import sys
import types

import numpy as np
import pytest

from patchflow.audio.sound_file import record
from patchflow.errors import AudioError, MissingDependency, OptionError
from patchflow.progress import Progress


class PortAudioError(Exception):
    """What the device raises."""


def device(samples: np.ndarray, *, fault: Exception | None = None, stops: bool = False) -> types.ModuleType:
    """A package that records these samples."""
    made = types.ModuleType("sounddevice")

    def check(**settings: object) -> None:
        if fault is not None:
            raise fault

    def sleep(ms: int) -> None:
        if stops:
            raise KeyboardInterrupt

    def rec(frames: int, samplerate: int, channels: int, dtype: str) -> np.ndarray:
        return np.pad(samples[:frames], (0, max(0, frames - len(samples))))[:, None].astype(dtype)

    made.__dict__.update(
        PortAudioError=PortAudioError,
        check_input_settings=check,
        rec=rec,
        sleep=sleep,
        wait=lambda: None,
        stop=lambda: None,
    )
    return made


def noise(seconds: float) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(seconds * 44_100))


def test_what_is_recorded_is_a_sound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sounddevice", device(noise(1.0)))
    seen: list[Progress] = []

    sound = record(1.0, progress=seen.append)

    assert (sound.rate, sound.seconds) == (44_100, 1.0)
    np.testing.assert_allclose(sound.samples, noise(1.0), atol=1e-6)
    assert [progress.done for progress in seen] == [0.0, 0.25, 0.5, 0.75]


def test_an_interrupted_recording_keeps_what_is_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sounddevice", device(noise(0.4), stops=True))

    assert record(2.0).seconds == pytest.approx(0.4, abs=1e-4)


@pytest.mark.parametrize("seconds", [0.05, 121.0, float("nan")])
def test_a_length_out_of_range_is_refused(seconds: float):
    with pytest.raises(OptionError, match=r"not in \[0.1, 120\] s"):
        record(seconds)


def test_a_machine_without_a_microphone_is_one_line(monkeypatch: pytest.MonkeyPatch):
    fault = PortAudioError("Error querying device -1")
    monkeypatch.setitem(sys.modules, "sounddevice", device(noise(1.0), fault=fault))

    with pytest.raises(AudioError, match="cannot record: Error querying device -1. Plug in a microphone"):
        record(1.0)


def test_silence_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sounddevice", device(np.zeros(44_100)))

    with pytest.raises(AudioError, match="is silent"):
        record(1.0)


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)

    with pytest.raises(MissingDependency, match=r"pip install 'patchflow\[record\]'"):
        record(1.0)
