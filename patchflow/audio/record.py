"""Records from a microphone, where the machine has one."""

from typing import Any

import numpy as np

from ..errors import AudioError, MissingDependency, OptionError
from ..progress import Progress, ProgressCallback, ignore
from .sound import Sound, from_array

__all__ = ["LONGEST_RECORDING", "record"]

LONGEST_RECORDING = 120.0
"""Seconds that are recorded at most."""

_SHORTEST = 0.1  # seconds
_STEP = 0.25  # seconds from one progress to the next


def record(seconds: float, *, rate: int = 44_100, progress: ProgressCallback = ignore) -> Sound:
    """Records from the microphone that the machine uses by default, one channel.

    Ctrl-C ends the recording early and keeps what is there.

    Args:
        seconds: How long, 0.1 to 120.
        rate: Sample rate, in Hz.
        progress: Called a few times a second.

    Raises:
        OptionError: If `seconds` is out of its range.
        MissingDependency: If the package that records is not installed, or the library that it needs.
        AudioError: If there is no microphone, it cannot be used, or nothing but silence comes from it.
    """
    if not _SHORTEST <= seconds <= LONGEST_RECORDING:
        raise OptionError(f"record={seconds:g}: not in [{_SHORTEST:g}, {LONGEST_RECORDING:g}] s")
    device = _devices()
    try:
        device.check_input_settings(channels=1, samplerate=rate)
        samples = device.rec(round(seconds * rate), samplerate=rate, channels=1, dtype="float32")
    except (device.PortAudioError, ValueError) as error:  # ValueError: there is no input device at all
        raise AudioError(f"cannot record: {_first_line(error)}. Plug in a microphone, or give a sound file.") from error
    done = 0.0
    try:
        while done < seconds:
            progress(Progress("record", round(done, 2), seconds, "s"))
            device.sleep(round(1000 * min(_STEP, seconds - done)))
            done += _STEP
        device.wait()
    except KeyboardInterrupt:
        device.stop()
    return from_array(_heard(samples), rate)


def _devices() -> Any:
    """The package `sounddevice`, which is optional: most machines that search for presets have no microphone."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingDependency("recording needs the package 'sounddevice': pip install 'patchflow[record]'") from error
    except OSError as error:  # its library of the operating system
        raise MissingDependency(
            f"recording needs PortAudio: {_first_line(error)}. Install it (e.g. apt install libportaudio2)."
        ) from error
    return sounddevice


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[0].split()).rstrip(".")


def _heard(samples: np.ndarray) -> np.ndarray:
    """What was recorded before it was stopped: the rest is exactly silent."""
    loud = np.flatnonzero(samples[:, 0])
    return samples[: int(loud[-1]) + 1, 0] if len(loud) else samples[:, 0]
