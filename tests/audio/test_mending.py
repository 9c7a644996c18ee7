"""Headers that are wrong, and the sound behind them."""

import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import load
from patchflow.errors import AudioError

RATE = 8_000
TONE = (0.5 * np.sin(np.arange(RATE) * 0.3) + 0.1 * np.cos(np.arange(RATE) * 0.01)).astype(np.float32)
PCM = np.round(TONE * 32_768).astype("<i2").tobytes()
FORMAT = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
NO_LENGTH = "its header gives no length: the 1.00 s that are there are read"


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body


def wav(size: int, before: bytes = b"", after: bytes = b"", riff: int = 0, magic: bytes = b"RIFF") -> bytes:
    """A WAV file with sizes as given, whatever is in it."""
    return (
        magic + struct.pack("<I", riff) + b"WAVE" + before + chunk(b"fmt ", FORMAT) + chunk(b"data", PCM, size) + after
    )


def loaded(tmp_path: Path, data: bytes, name: str = "a.wav"):
    (tmp_path / name).write_bytes(data)
    return load(tmp_path / name)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF])
def test_a_wav_without_a_size_is_read_to_its_end(tmp_path: Path, size: int, riff: int):
    sound = loaded(tmp_path, wav(size, riff=riff))

    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)
    assert (sound.length, sound.notes) == (1.0, (NO_LENGTH,))


@pytest.mark.parametrize(
    "before",
    [
        chunk(b"LIST", b"abcde"),  # odd, without the byte that should follow
        chunk(b"LIST", b"abcde") + b"\0",
        chunk(b"bext", bytes(602)) + chunk(b"JUNK", bytes(28)),
    ],
)
def test_chunks_before_the_sound_are_passed_over(tmp_path: Path, before: bytes):
    sound = loaded(tmp_path, wav(len(PCM), before))

    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)
    assert sound.notes == ()


def test_a_chunk_of_a_wrong_size_does_not_hide_the_sound(tmp_path: Path):
    np.testing.assert_allclose(loaded(tmp_path, wav(len(PCM), chunk(b"LIST", b"", 1 << 30))).samples, TONE, atol=1e-4)


def test_what_follows_the_sound_is_not_heard(tmp_path: Path):
    assert loaded(tmp_path, wav(len(PCM), after=chunk(b"LIST", bytes(9_000)))).length == 1.0


def test_a_size_that_a_crashed_program_left_is_not_believed(tmp_path: Path):
    sound = loaded(tmp_path, wav(1_000))

    assert sound.length == 1.0
    assert sound.notes == ("its header is wrong: 1.00 s are there, not 0.06 s",)


def test_a_wav_without_samples_has_none(tmp_path: Path):
    with pytest.raises(AudioError, match=r"a\.wav has no samples"):
        loaded(tmp_path, wav(0)[: -len(PCM)] + chunk(b"LIST", b"abcd"))


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
@pytest.mark.parametrize(("kept", "notes"), [(1.0, ()), (0.5, ("is cut off: 0.50 s of 1.00 s are there",))])
def test_a_wav_with_long_sizes_is_read(tmp_path: Path, magic: bytes, kept: float, notes: tuple[str, ...]):
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(PCM), RATE, 0))
    data = wav(0xFFFFFFFF, sizes, riff=0xFFFFFFFF, magic=magic)

    sound = loaded(tmp_path, data[: len(data) - round((1 - kept) * len(PCM))])

    np.testing.assert_allclose(sound.samples, TONE[: round(kept * RATE)], atol=1e-4)
    assert (sound.length, sound.notes) == (kept, notes)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_aiff_without_a_size_is_read_to_its_end(tmp_path: Path, size: int):
    soundfile.write(tmp_path / "a.aiff", TONE, RATE, "PCM_24")
    data = bytearray((tmp_path / "a.aiff").read_bytes())
    frames = data.index(b"COMM") + 10
    for at in (4, frames, data.index(b"SSND") + 4):
        data[at : at + 4] = struct.pack(">I", size)

    sound = loaded(tmp_path, bytes(data), "b.aiff")

    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)
    assert sound.notes == (NO_LENGTH,)


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path):
    soundfile.write(tmp_path / "a.flac", TONE, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # 36 bits of STREAMINFO: how many samples there are
    data[22:26] = bytes(4)

    sound = loaded(tmp_path, bytes(data), "b.flac")

    np.testing.assert_allclose(sound.samples, TONE, atol=1e-4)
    assert sound.length == 1.0


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_an_ogg_without_its_end_says_so(tmp_path: Path, codec: str):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * RATE)
    soundfile.write(tmp_path / "a.ogg", noise, RATE, codec)
    data = (tmp_path / "a.ogg").read_bytes()

    sound = loaded(tmp_path, data[: len(data) // 2], "b.ogg")

    assert load(tmp_path / "a.ogg").notes == ()
    assert 5 < sound.length < 15
    assert sound.notes == (f"is cut off: only the first {sound.length:.2f} s are there",)


def test_the_content_decides_not_the_name(tmp_path: Path):
    soundfile.write(tmp_path / "a.flac", TONE, RATE)
    flac = (tmp_path / "a.flac").read_bytes()

    for name, data in {"a.mp3": flac, "b.wav": flac, "a.raw": wav(len(PCM)), "a.vox": wav(len(PCM))}.items():
        np.testing.assert_allclose(loaded(tmp_path, data, name).samples, TONE, atol=1e-4)


def test_text_is_no_sound_whatever_its_name(tmp_path: Path):
    for name in ("a.vox", "a.au", "a.gsm", "a.snd"):
        with pytest.raises(AudioError, match="format not recognised|Format not recognised"):
            loaded(tmp_path, b"Dear diary, " * 100, name)


# MP3


def mp3(rate: int = 44_100, channels: int = 1, mode: str = "VARIABLE", seconds: float = 2.0) -> bytes:
    """A tone whose second half is noise, so that frames of a variable bit rate differ in size."""
    samples = 0.3 * np.sin(np.arange(round(seconds * rate)) * 2_500 / rate)
    half = len(samples) // 2
    samples[half:] = np.random.default_rng(0).uniform(-0.3, 0.3, len(samples) - half)
    out = io.BytesIO()
    pair = np.repeat(samples[:, None], channels, 1)
    soundfile.write(out, pair, rate, format="MP3", compression_level=0.6, bitrate_mode=mode)
    return out.getvalue()


def info(data: bytes) -> int:
    """Where the count of frames is in the encoder's header, behind its flags."""
    at = max(data.find(b"Xing"), data.find(b"Info"))
    return at + 8


def bare(data: bytes) -> bytes:
    """Without the frame that has the encoder's header."""
    start = data.index(data[:2], info(data) + 112)
    return data[start:]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 2), (24_000, 1), (44_100, 1), (48_000, 2)])
def test_an_mp3_without_a_header_is_heard_whole(tmp_path: Path, rate: int, channels: int, mode: str):
    data = mp3(rate, channels, mode)
    whole = loaded(tmp_path, data, "whole.mp3")

    sound = loaded(tmp_path, bare(data), "bare.mp3")

    # With its header a decoder knows what the encoder has padded, and leaves it out.
    assert whole.length == 2.0
    assert 2.0 <= sound.length < 2.0 + 3 * 1_152 / rate
    assert (sound.rate, sound.channels, sound.notes) == (rate, channels, ())
    piece = slice(rate * 5 // 4, rate * 3 // 2)
    near = sound.samples[piece.start : piece.stop + 3 * 1_152]
    assert 0 <= np.correlate(near, whole.samples[piece], "valid").argmax() <= 2 * 1_152


@pytest.mark.parametrize(
    ("frames", "note"),
    [
        (10, r"its header is wrong: 2\.0\d s are there, not 0\.26 s"),
        (1_000, r"is cut off: 2\.0\d s of 26\.12 s are there"),
    ],
)
def test_an_mp3_whose_header_is_wrong_is_heard_whole(tmp_path: Path, frames: int, note: str):
    data = mp3()
    at = info(data)

    sound = loaded(tmp_path, data[:at] + struct.pack(">I", frames) + data[at + 4 :], "a.mp3")

    assert sound.length == pytest.approx(2.0, abs=0.05)
    assert len(sound.notes) == 1
    assert re.fullmatch(note, sound.notes[0])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"ID3\3\0\0\0\0\1\0" + bytes(128), b""),
        (b"ID3\4\0\0\0\0\1\0" + bytes(128) + b"ID3\3\0\0\0\0\1\0" + b"\xff\xfb\x90\0" * 32, b""),
        (b"HTTP/1.0 200 OK\r\n\r\n" * 99, b""),
        (bytes(5_000), bytes(5_000)),
        (b"", b"TAG" + b"x" * 125),
        (b"", b"APETAGEX" + bytes(300) + b"TAG" + bytes(125)),
    ],
)
def test_tags_and_junk_around_an_mp3_are_no_sound(tmp_path: Path, before: bytes, after: bytes):
    data = bare(mp3())
    expected = loaded(tmp_path, data, "a.mp3")

    sound = loaded(tmp_path, before + data + after, "b.mp3")

    np.testing.assert_array_equal(sound.samples, expected.samples)
    assert sound.notes == ()


def test_junk_inside_an_mp3_does_not_end_it(tmp_path: Path):
    data = bare(mp3())

    sound = loaded(tmp_path, data[:6_000] + b"garbage" * 99 + data[6_000:], "a.mp3")

    assert sound.length == pytest.approx(2.0, abs=0.1)


def test_an_mp3_in_a_wav_is_heard(tmp_path: Path):
    data = bare(mp3())
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 44_100, 16_000, 1, 0, 12, 1, 2, 417, 1, 1393)
    file = b"RIFF" + bytes(4) + b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", data)

    np.testing.assert_array_equal(loaded(tmp_path, file).samples, loaded(tmp_path, data, "a.mp3").samples)


def test_an_mp3_of_which_nearly_all_is_lost_is_refused_in_one_line(tmp_path: Path):
    data = mp3(16_000)
    header = len(data) - len(bare(data))
    second = data.index(data[:2], header + 4)
    third = data.index(data[:2], second + 4)

    with pytest.raises(
        AudioError, match=r"a\.mp3 lasts .*: at least 10 ms .*\. It is cut off: 0\.07 s of 2\.\d\d s are there"
    ):
        loaded(tmp_path, data[:third], "a.mp3")
