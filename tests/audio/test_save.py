"""Sound files out."""

import errno
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import load, save
from patchflow.errors import AudioError, StorageError

NOISE = np.random.default_rng(0).uniform(-1, 1, 5_000).astype(np.float32)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "A.WAV", "b.Flac"])
def test_what_is_saved_is_loaded_again(tmp_path: Path, name: str):
    gain = save(tmp_path / name, NOISE, 22_050)

    assert gain == 0
    np.testing.assert_allclose(load(tmp_path / name).samples, NOISE, atol=2**-23)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_it_is_24_bit(tmp_path: Path, suffix: str):
    save(tmp_path / f"a.{suffix}", NOISE, 22_050)

    assert soundfile.info(tmp_path / f"a.{suffix}").subtype == "PCM_24"


@pytest.mark.parametrize("peak", [1.0, 1.001, 50.0])
def test_nothing_is_clipped(tmp_path: Path, peak: float):
    loud = peak * NOISE / np.abs(NOISE).max()

    gain = save(tmp_path / "a.wav", loud, 22_050)

    np.testing.assert_allclose(load(tmp_path / "a.wav").samples, loud * 10 ** (gain / 20), atol=2**-22)
    assert gain == pytest.approx(-20 * np.log10(peak), abs=1e-4)


def test_silence_can_be_saved(tmp_path: Path):
    assert save(tmp_path / "a.wav", np.zeros(10), 22_050) == 0


def test_several_channels_stay_several(tmp_path: Path):
    save(tmp_path / "a.wav", NOISE.reshape(-1, 2), 22_050)

    assert soundfile.info(tmp_path / "a.wav").channels == 2


@pytest.mark.parametrize("name", ["a.mp3", "a", "a.wav.txt"])
def test_another_ending_is_refused(tmp_path: Path, name: str):
    with pytest.raises(AudioError, match=rf"cannot write .*{name}: .* ends in \.wav or \.flac"):
        save(tmp_path / name, NOISE, 22_050)


def test_what_is_not_a_number_is_refused_and_nothing_written(tmp_path: Path):
    samples = NOISE.copy()
    samples[7] = np.nan

    with pytest.raises(AudioError, match="sample 7 is nan"):
        save(tmp_path / "a.wav", samples, 22_050)
    assert not list(tmp_path.iterdir())


def test_a_rate_the_format_cannot_hold_is_refused(tmp_path: Path):
    with pytest.raises(AudioError, match=r"cannot write .* at rate=1000000Hz"):
        save(tmp_path / "a.flac", NOISE, 1_000_000)


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match=r"cannot write .*no such file or directory"):
        save(tmp_path / "none" / "a.wav", NOISE, 22_050)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(tmp_path / "a.wav", NOISE, 22_050)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))

    with pytest.raises(StorageError, match="no space left on device"):
        save(tmp_path / "a.wav", 0.5 * NOISE, 22_050)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    np.testing.assert_allclose(load(tmp_path / "a.wav").samples, NOISE, atol=2**-23)


def test_no_samples_are_a_callers_bug(tmp_path: Path):
    with pytest.raises(ValueError, match="samples: none"):
        save(tmp_path / "a.wav", NOISE[:0], 22_050)
