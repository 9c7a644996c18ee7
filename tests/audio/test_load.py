"""Any sound file in, one channel out."""

import os
import re
import socket
import struct
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import load
from patchflow.errors import AudioError, StorageError

RATE = 8_000
TONE = 0.5 * np.sin(np.arange(RATE) * 0.3) + 0.001


def write(path: Path, samples: np.ndarray = TONE, rate: int = RATE, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3", "au", "caf", "w64"])
def test_every_common_format_is_read(tmp_path: Path, suffix: str):
    sound = load(write(tmp_path / f"tone.{suffix}"))

    assert sound.rate == RATE
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.05)
    assert sound.length == pytest.approx(1.0, abs=0.2)  # lossy formats pad


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="file names are Unicode here")
def test_name_that_is_not_utf8_is_no_hindrance(tmp_path: Path):
    path = write(tmp_path / "cafe.wav").rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")))

    assert load(path).rate == RATE


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_every_encoding_gives_the_same_sound(tmp_path: Path, subtype: str):
    sound = load(write(tmp_path / "tone.wav", subtype=subtype))
    skipped = round(sound.start * RATE)

    assert sound.samples.dtype == np.float32
    np.testing.assert_allclose(sound.samples[:1_000], TONE[skipped : skipped + 1_000], atol=0.05)


@pytest.mark.parametrize("rate", [4_000, 8_000, 44_100, 192_000, 768_000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_every_rate_and_number_of_channels_is_read(tmp_path: Path, rate: int, channels: int):
    samples = np.repeat(TONE[:, None], channels, axis=1)

    sound = load(write(tmp_path / "tone.wav", samples, rate))

    assert (sound.rate, sound.channels, sound.mix) == (rate, channels, "mean")
    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)


def test_channels_are_averaged(tmp_path: Path):
    pair = np.stack([TONE, 0.5 * np.cos(np.arange(RATE) * 0.7)], axis=1)

    np.testing.assert_allclose(load(write(tmp_path / "a.wav", pair)).samples, pair.mean(1), atol=1e-4)


def test_of_channels_that_cancel_out_the_loudest_is_taken(tmp_path: Path):
    pair = np.stack([0.9 * TONE, -TONE], axis=1)

    sound = load(write(tmp_path / "a.wav", pair))

    assert sound.mix == "2"
    np.testing.assert_allclose(sound.samples, -TONE, atol=1e-4)


def test_one_sounding_channel_of_eight_is_no_cancelling(tmp_path: Path):
    samples = np.zeros((RATE, 8))
    samples[:, 3] = TONE

    assert load(write(tmp_path / "a.wav", samples)).mix == "mean"


def test_silence_before_the_sound_is_left_out_and_counted(tmp_path: Path):
    sound = load(write(tmp_path / "late.wav", np.concatenate([np.zeros(150_001), TONE])))

    assert sound.start == pytest.approx(150_001 / RATE)
    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)


@pytest.mark.parametrize("late", [0, 140_000])
def test_no_more_is_read_than_asked_for(tmp_path: Path, late: int):
    sound = load(write(tmp_path / "long.wav", np.concatenate([np.zeros(late), np.tile(TONE, 4)])), seconds=1.5)

    assert sound.seconds == 1.5
    assert sound.length == pytest.approx(4 + late / RATE)


def test_ten_minutes_take_little_memory(tmp_path: Path):
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 16_000, 2) as file:
        for _ in range(600):
            file.write(0.1 * np.ones((16_000, 2)))
    tracemalloc.start()

    sound = load(tmp_path / "long.wav")

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sound.seconds, sound.length) == (30, 600)
    assert peak < 12e6


def test_a_size_unknown_to_its_writer_is_no_truncation(tmp_path: Path):
    data = bytearray(write(tmp_path / "a.wav").read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "piped.wav").write_bytes(data)

    np.testing.assert_allclose(load(tmp_path / "piped.wav").samples, TONE, atol=1e-4)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg"])
def test_a_damaged_file_is_a_sound_or_refused(tmp_path: Path, suffix: str):
    data, rng = write(tmp_path / f"a.{suffix}").read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(data)
        for at in rng.integers(0, rng.choice([60, len(data)]), 3):
            damaged[at] = rng.integers(256)
        (tmp_path / f"b.{suffix}").write_bytes(damaged)
        with suppress(AudioError):
            assert np.isfinite(load(tmp_path / f"b.{suffix}").samples).all()


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"cannot read .*none\.wav: no such file"):
        load(tmp_path / "none.wav")


def test_a_folder_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="is a directory|permission denied"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path):
    path = write(tmp_path / "secret.wav")
    path.chmod(0)

    with pytest.raises(StorageError, match="secret.wav: permission denied"):
        load(path)


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "empty.wav").touch()

    with pytest.raises(AudioError, match=r"empty\.wav is empty \(0 bytes\)"):
        load(tmp_path / "empty.wav")


@pytest.mark.parametrize("name", ["a.wav", "a.raw", "a.mp3", "a", "a.flac"])
def test_what_is_no_sound_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"Dear diary, " * 100)

    with pytest.raises(AudioError, match=f"cannot read .*{name}: .* Give a WAV"):
        load(tmp_path / name)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au", "w64", "mp3"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_of_a_truncated_file_is_read_what_is_there(tmp_path: Path, suffix: str, share: float):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 40_000)
    data = write(tmp_path / f"whole.{suffix}", noise).read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(data[: int(share * len(data))])

    sound = load(tmp_path / f"cut.{suffix}")

    # lossy formats pad, and frames of up to 4,608 samples are there as a whole or not at all
    assert share * 5 - 0.6 < sound.length < share * 5 + 0.1
    assert len(sound.notes) == 1
    assert re.fullmatch(r"is cut off: \d\.\d\d s of [45]\.\d\d s are there", sound.notes[0])


@pytest.mark.parametrize("kept", range(1, 44, 3))
def test_half_a_header_is_refused(tmp_path: Path, kept: int):
    (tmp_path / "cut.wav").write_bytes(write(tmp_path / "a.wav").read_bytes()[:kept])

    with pytest.raises(AudioError, match="cut.wav"):
        load(tmp_path / "cut.wav")


def test_a_file_without_samples_is_refused(tmp_path: Path):
    with pytest.raises(AudioError, match="bare.wav has no samples"):
        load(write(tmp_path / "bare.wav", np.zeros(0)))


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_a_silent_file_is_refused(tmp_path: Path, level: float):
    with pytest.raises(AudioError, match=r"hush\.wav is silent: its peak is below -90 dB"):
        load(write(tmp_path / "hush.wav", level * TONE, subtype="FLOAT"))


def test_one_sample_is_refused(tmp_path: Path):
    with pytest.raises(AudioError, match=r"one\.wav lasts 0\.125 ms \(1 samples\): at least 10 ms"):
        load(write(tmp_path / "one.wav", np.ones(1)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 5_000, 69_999])
def test_what_is_not_a_number_is_refused_with_its_place(tmp_path: Path, value: float, at: int):
    samples = np.repeat(np.tile(TONE, 9)[:, None], 2, axis=1)
    samples[at, 1] = value

    with pytest.raises(AudioError, match=rf"holds {value} at {at / RATE:.3f} s \(frame {at}, channel 2\)"):
        load(write(tmp_path / "bad.wav", samples, subtype="FLOAT"))


def test_an_absurd_level_is_refused(tmp_path: Path):
    with pytest.raises(AudioError, match=r"peak=5\.0\de\+19"):
        load(write(tmp_path / "a.wav", 1e20 * TONE, subtype="FLOAT"))


@pytest.mark.parametrize("rate", [1, 2_000_000])
def test_an_impossible_rate_is_refused(tmp_path: Path, rate: int):
    data = bytearray(write(tmp_path / "a.wav").read_bytes())
    data[24:28] = struct.pack("<I", rate)
    (tmp_path / "odd.wav").write_bytes(data)

    with pytest.raises(AudioError, match=rf"rate={rate}Hz: not in \[4000, 768000\]"):
        load(tmp_path / "odd.wav")


# limits


@pytest.mark.skipif(os.name == "nt", reason="no such files here")
@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a pipe"), (None, "a device")])
def test_what_is_no_file_is_refused_by_its_kind(tmp_path: Path, make: Callable[[Path], None] | None, kind: str):
    path = tmp_path / "a.wav" if make else Path("/dev/zero")
    if make:
        make(path)

    with pytest.raises(StorageError) as failed:
        load(path)

    assert str(failed.value) == f"cannot read {path}: it is {kind}, not a file"


@pytest.mark.skipif(os.name == "nt", reason="no such files here")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("a.wav")

        with pytest.raises(StorageError, match="cannot read a.wav: it is a socket, not a file"):
            load("a.wav")


@pytest.mark.parametrize(
    ("rate", "channels", "seconds", "told"), [(4_000, 1, 300, 180), (192_000, 8, 60, 44), (48_000, 1, 300, 180)]
)
def test_a_sound_that_begins_too_late_is_not_looked_for(
    tmp_path: Path, rate: int, channels: int, seconds: int, told: int
):
    path = tmp_path / "late.flac"
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for _ in range(seconds // 10):
            file.write(np.zeros((10 * rate, channels), np.int16))
        file.write(np.full((rate, channels), 0.5))
    begin = time.perf_counter()

    with pytest.raises(AudioError) as failed:
        load(path)

    about = r"for its first (\d+) s its peak is below -90 dB; looked no further. Cut the sound out of it."
    said = re.search(about, str(failed.value))
    assert said
    assert int(said.group(1)) == pytest.approx(told, abs=35)
    assert time.perf_counter() - begin < 3


def test_of_many_channels_no_more_is_read_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.modules[load.__module__], "_MOST_READ", 4 * RATE)

    sound = load(write(tmp_path / "a.wav", np.repeat(np.tile(TONE, 3)[:, None], 2, 1)))

    assert (sound.seconds, sound.length) == (2.0, 3.0)
    assert sound.notes == (f"only 2.0 s of its 2 channels at {RATE} Hz are read",)


# channels


def test_of_channels_that_cancel_in_part_the_loudest_is_taken(tmp_path: Path):
    low = np.sin(np.arange(RATE) * 0.1)
    high = sum(np.sin(np.arange(RATE) * w) for w in (0.5, 0.9, 1.3, 1.7, 2.1, 2.5))
    pair = np.stack([0.2 * low + 0.04 * high, 0.2 * low - 0.05 * high], axis=1)

    sound = load(write(tmp_path / "a.wav", pair))

    assert sound.mix == "2"
    assert sound.notes == ("its channels cancel in part: channel 2, the loudest, is taken",)
    np.testing.assert_allclose(sound.samples, pair[1:, 1], atol=1e-4)


@pytest.mark.parametrize("kind", ["room", "chorus", "panned", "unrelated"])
def test_ordinary_stereo_stays_the_mean_of_both(tmp_path: Path, kind: str):
    rng = np.random.default_rng(0)
    dry = rng.standard_normal(4 * RATE) * 0.05
    decay = np.exp(-np.arange(2_000) / 400) * 0.1
    left = dry
    if kind == "room":
        left = dry + np.convolve(dry, rng.standard_normal(2_000) * decay)[: len(dry)]
        right = dry + np.convolve(dry, rng.standard_normal(2_000) * decay)[: len(dry)]
    elif kind == "chorus":
        bend = 60 + 20 * np.sin(np.arange(len(dry)) * 0.001)
        wet = np.interp(np.arange(len(dry)) - bend, np.arange(len(dry)), dry)
        left, right = dry + wet, dry - wet
    elif kind == "panned":
        right = 0.1 * dry
    else:
        right = rng.standard_normal(len(dry)) * 0.05

    sound = load(write(tmp_path / "a.wav", np.stack([left, right], axis=1)))

    assert (sound.mix, sound.notes) == ("mean", ())
