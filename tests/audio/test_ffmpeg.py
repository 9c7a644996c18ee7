"""What ffmpeg decodes: the files of phones, browsers and video programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import _ffmpeg, load
from patchflow.errors import AudioError

LOADING = sys.modules[load.__module__]
RATE = 44_100
TONE = (0.5 * np.sin(np.arange(2 * RATE) * 0.05)).astype(np.float32)
LATIN = "caf\udce9.m4a"  # a name that is not UTF-8


def encoded(folder: Path, name: str, *options: str, channels: int = 1) -> Path:
    """A tone in the format of the name, made by ffmpeg itself."""
    program = _ffmpeg.ffmpeg_program()
    assert program, "ffmpeg is missing: pip install imageio-ffmpeg"
    soundfile.write(folder / "source.wav", np.repeat(TONE[:, None], channels, 1), RATE)
    command = [program, "-nostdin", "-v", "error", "-y", "-i", str(folder / "source.wav"), *options, str(folder / name)]
    subprocess.run(command, check=True)
    return folder / name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ["-c:a", "aac"]),
        ("alac.m4a", ["-c:a", "alac"]),
        ("a.mp4", ["-c:a", "aac"]),
        ("parts.mp4", ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]),
        ("a.mov", ["-c:a", "pcm_s16le"]),
        ("a.3gp", ["-c:a", "aac"]),
        ("a.aac", []),
        ("a.webm", ["-c:a", "libopus"]),
        ("a.mka", ["-c:a", "flac"]),
        ("a.wma", []),
        ("alac.caf", ["-c:a", "alac"]),
        ("a.ac3", []),
        ("a.wv", []),
        ("a.tta", []),
        ("a.ts", ["-c:a", "aac"]),
        ("a.avi", ["-c:a", "libmp3lame"]),
    ],
)
def test_what_only_ffmpeg_knows_is_heard(tmp_path: Path, name: str, options: list[str]):
    sound = load(encoded(tmp_path, name, *options))

    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert sound.start + sound.seconds == pytest.approx(2.0, abs=0.05)
    assert sound.length == pytest.approx(2.0, abs=0.05)
    assert np.sqrt(np.square(sound.samples).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.07)
    assert spectrum.argmax() * sound.rate / len(sound.samples) == pytest.approx(0.05 * RATE / 2 / np.pi, abs=1)
    assert sound.notes == ()


def test_without_loss_every_sample_is_right(tmp_path: Path):
    sound = load(encoded(tmp_path, "a.m4a", "-c:a", "alac"))

    first = round(sound.start * RATE)
    np.testing.assert_allclose(sound.samples, TONE[first:], atol=1e-4)


def test_all_channels_are_delivered(tmp_path: Path):
    assert load(encoded(tmp_path, "a.m4a", "-c:a", "alac", channels=6)).channels == 6


@pytest.mark.parametrize("name", ["-i.m4a", "http:a.m4a", "concat:a|b.m4a", "%03d.m4a", "a.wav", LATIN])
def test_a_name_is_neither_an_option_nor_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    if os.name == "nt" or (sys.platform == "darwin" and name == LATIN):
        pytest.skip("no such names here")
    encoded(tmp_path, "source.m4a", "-c:a", "alac").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert load(name).length == 2.0


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile 'source.wav'\n", "#EXTM3U\n#EXTINF:2,\nsource.wav\n#EXT-X-ENDLIST\n"]
)
def test_a_playlist_opens_no_other_file(tmp_path: Path, text: str):
    encoded(tmp_path, "other.m4a")
    (tmp_path / "a.m4a").write_text(text)

    with pytest.raises(AudioError, match="a.m4a: it is a playlist, no sound"):
        load(tmp_path / "a.m4a")


def test_a_cut_off_file_says_how_much_was_there(tmp_path: Path):
    data = encoded(tmp_path, "a.m4a", "-c:a", "aac", "-movflags", "+faststart").read_bytes()
    (tmp_path / "b.m4a").write_bytes(data[: len(data) * 6 // 10])

    sound = load(tmp_path / "b.m4a")

    assert 0.9 < sound.length < 1.3
    assert sound.notes == (f"is cut off: {sound.length:.2f} s of 2.00 s are there",)


def test_a_file_without_its_index_is_refused_in_one_line(tmp_path: Path):
    data = encoded(tmp_path, "a.m4a", "-c:a", "aac").read_bytes()
    (tmp_path / "b.m4a").write_bytes(data[: len(data) * 6 // 10])

    with pytest.raises(AudioError) as failed:
        load(tmp_path / "b.m4a")

    assert str(failed.value) == (
        f"cannot read {tmp_path / 'b.m4a'}: ffmpeg finds no sound in it though it seems to be MPEG-4 audio (m4a, mp4). "
        "It may be cut off: copy or export it again."
    )


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x1cftypM4A ", "MPEG-4 audio (m4a, mp4)"),
        (b"\0\0\0\x14ftypqt  ", "a QuickTime movie (mov)"),
        (b"\0\0\0\x18ftyp3gp4", "a phone recording (3gp)"),
        (b"\x1aE\xdf\xa3", "WebM or Matroska (webm, mka, mkv)"),
        (b"0&\xb2u\x8ef\xcf\x11", "Windows Media audio (wma)"),
        (b"\xff\xf1\x50\x80", "AAC"),
        (b"#!AMR\n", "a phone recording (amr)"),
    ],
)
def test_without_ffmpeg_the_kind_and_the_way_out_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, kind: str
):
    monkeypatch.setattr(LOADING, "ffmpeg_program", lambda: None)
    (tmp_path / "hum.wav").write_bytes(head.ljust(4_000, b"\0"))

    with pytest.raises(AudioError) as failed:
        load(tmp_path / "hum.wav")

    assert str(failed.value) == (
        f"cannot read {tmp_path / 'hum.wav'}: it is {kind}, for which ffmpeg is needed. "
        "Install ffmpeg (e.g. pip install imageio-ffmpeg) or export the sound as WAV."
    )


@pytest.mark.parametrize(("head", "kind"), [(b"MThd", "a MIDI file"), (b"PK\3\4", "a zip archive"), (b"%PDF", "a PDF")])
def test_what_holds_no_sound_is_named(tmp_path: Path, head: bytes, kind: str):
    (tmp_path / "a.wav").write_bytes(head.ljust(4_000, b"\0"))

    with pytest.raises(AudioError, match=re.escape(f"a.wav: it is {kind}, no sound.")):
        load(tmp_path / "a.wav")


def test_an_ffmpeg_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ffmpeg").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setattr(LOADING, "ffmpeg_program", lambda: str(tmp_path / "ffmpeg"))
    monkeypatch.setattr(_ffmpeg, "_TIME_LIMIT_S", 0.2)
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x1cftypM4A ")

    with pytest.raises(AudioError, match="a.m4a: ffmpeg finds no sound in it"):
        load(tmp_path / "a.m4a")


def test_the_ffmpeg_of_the_machine_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _ffmpeg.ffmpeg_program() == str(tmp_path / "ffmpeg")
