"""Sounds by HTTP: received, heard, drawn and played, and refused where they are none."""

import io
import struct
import subprocess
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from patchflow.audio import load
from patchflow.audio.sound import Sound
from patchflow.match.target import prepare_target
from patchflow.studio import StudioSettings
from patchflow.studio.curves import spectrogram_png
from patchflow.studio.desk import Workspace

from .conftest import opened

FULL = Path("/dev/full")


def wav(samples: np.ndarray, rate: int = 22_050, kind: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind)
    return buffer.getvalue()


def read_wav(data: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(data), dtype="float32")


def test_a_sound_comes_back_as_it_is_heard(client: TestClient, sine: bytes):
    found = client.post("/sounds", params={"name": "a.wav"}, content=sine).json()

    assert (found["name"], found["rate"], found["channels"]) == ("a.wav", 22_050, 1)
    assert found["heard"]["pitch"] == 57
    assert found["heard"]["note"] == "A3"
    assert found["heard"]["f0"] == pytest.approx(220, abs=1)
    assert found["heard"]["start"] == pytest.approx(0.5, abs=0.02)
    assert len(found["peaks"]) == 400
    assert max(found["peaks"]) == pytest.approx(0.5, abs=0.01)
    assert client.get(f"/sounds/{found['id']}").json() == found
    assert client.get("/sounds").json() == [found]


def test_what_is_heard_is_what_a_match_hears(client: TestClient, sine: bytes, tmp_path):
    (tmp_path / "a.wav").write_bytes(sine)
    target = prepare_target(load(tmp_path / "a.wav"))

    heard = client.post("/sounds", content=sine).json()["heard"]

    assert [guess["pitch"] for guess in heard["guesses"]] == [guess.pitch for guess in target.guesses]
    assert heard["hold"] == pytest.approx(target.hold, abs=1e-4)
    assert heard["pitched"] == target.pitched


def test_a_form_and_a_bare_body_are_the_same_sound(client: TestClient, sine: bytes):
    bare = client.post("/sounds", params={"name": "a.wav"}, content=sine).json()
    form = client.post("/sounds", files={"file": ("a.wav", sine)}).json()

    assert form == bare


def test_the_shipped_example_is_a_bell(client: TestClient):
    found = client.post("/sounds/example")

    assert found.status_code == 201
    assert found.json()["name"] == "bell.flac"
    assert found.json()["heard"]["pitched"]


@pytest.mark.parametrize("data", [b"", b"no sound at all", b"RIFF", bytes(5000), b"fLaC" + bytes(100)])
def test_what_is_no_sound_is_refused_in_the_librarys_own_words(
    client: TestClient, settings: StudioSettings, data: bytes
):
    reply = client.post("/sounds", params={"name": "x.wav"}, content=data)

    assert reply.status_code == 422
    assert reply.json()["kind"] == "AudioError"
    assert "x.wav" in reply.json()["error"]
    assert str(settings.workspace) not in reply.text
    assert list((settings.workspace / "incoming").iterdir()) == []
    assert client.get("/sounds").json() == []


def test_silence_is_refused(client: TestClient):
    assert "silent" in client.post("/sounds", content=wav(np.zeros(22_050))).json()["error"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\x.wav",
        "/etc/passwd",
        "пианино.wav",
        "低音 🎹.flac",
        "<img src=x>.wav",
        "a\nb",
        "x" * 900,
    ],
)
def test_a_name_is_nothing_but_a_label(client: TestClient, settings: StudioSettings, sine: bytes, name: str):
    found = client.post("/sounds", params={"name": name}, content=sine).json()

    assert found["name"] == name.replace("\n", " ")[:200]
    assert {path.stem for path in (settings.workspace / "sounds").iterdir()} == {found["id"]}
    assert client.get(f"/sounds/{found['id']}/audio").status_code == 200


def test_a_form_without_a_file_is_refused(client: TestClient):
    assert client.post("/sounds", files={"other": ("a.wav", b"x")}).status_code == 422
    assert client.post("/sounds", content=b"x", headers={"content-type": "multipart/form-data"}).status_code < 500


def test_an_hour_of_sound_is_refused_without_being_decoded(client: TestClient):
    # An hour of silence is some kilobytes of FLAC; to decode it would take 600 MB.
    hour = soundfile.SoundFile(buffer := io.BytesIO(), "w", 44_100, 1, format="FLAC")
    with hour:
        for _ in range(360):
            hour.write(np.zeros(441_000, np.int16))

    reply = client.post("/sounds", params={"name": "bomb.flac"}, content=buffer.getvalue())

    assert reply.status_code == 413
    assert reply.json()["error"] == "bomb.flac: lasts 3,600 s, more than 600 s. Cut the sound out of it."


def test_a_sound_that_lies_about_its_length_is_not_decoded_to_its_end(settings: StudioSettings):
    # A FLAC whose header states no length, as a stream has it.
    rate = 8_000
    data = bytearray(wav(0.5 * np.sin(np.arange(30 * rate)), rate, "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    with opened(replace(settings, upload_seconds=5.0)) as client:
        reply = client.post("/sounds", content=bytes(data))

    # Its first seconds are taken, or it is refused; never is more of it kept.
    assert reply.status_code in (201, 413)
    assert reply.status_code == 413 or reply.json()["seconds"] <= 5.0


def test_a_limit_of_seconds_is_for_what_states_its_length(settings: StudioSettings, sine: bytes):
    with opened(replace(settings, upload_seconds=1.0)) as client:
        assert client.post("/sounds", content=sine).status_code == 413


@pytest.fixture
def sound(client: TestClient, sine: bytes) -> str:
    return client.post("/sounds", params={"name": "a.wav"}, content=sine).json()["id"]


def test_a_sound_is_played_as_it_was_sent(client: TestClient, sound: str, sine: bytes):
    samples, rate = read_wav(client.get(f"/sounds/{sound}/audio").content)
    sent, _ = read_wav(sine)

    assert rate == 22_050
    np.testing.assert_allclose(samples, sent[-len(samples) :], atol=2 / 32_768)


def test_a_part_of_a_sound_is_played(client: TestClient, sound: str):
    samples, rate = read_wav(client.get(f"/sounds/{sound}/audio", params={"start": 0.75, "end": 1.0}).content)

    assert len(samples) == round(0.25 * rate)


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.5), (0.7, 0.7), (9.0, 9.5)])
def test_a_part_that_is_none_is_refused(client: TestClient, sound: str, start: float, end: float):
    assert client.get(f"/sounds/{sound}/audio", params={"start": start, "end": end}).status_code == 422


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "x", "1e99"])
def test_a_time_that_is_none_is_refused(client: TestClient, sound: str, value: str):
    assert client.get(f"/sounds/{sound}/audio", params={"start": value}).status_code == 422


def test_a_browser_that_has_a_sound_is_not_sent_it_again(client: TestClient, sound: str):
    first = client.get(f"/sounds/{sound}/audio")

    again = client.get(f"/sounds/{sound}/audio", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "part"), [("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-8", slice(-8, None))]
)
def test_a_range_of_bytes_is_served(client: TestClient, sound: str, asked: str, part: slice):
    whole = client.get(f"/sounds/{sound}/audio").content

    reply = client.get(f"/sounds/{sound}/audio", headers={"range": asked})

    assert reply.status_code == 206
    assert reply.content == whole[part]
    assert reply.headers["content-range"].endswith(f"/{len(whole)}")


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=10-5"])
def test_a_range_beyond_the_end_is_refused(client: TestClient, sound: str, asked: str):
    assert client.get(f"/sounds/{sound}/audio", headers={"range": asked}).status_code == 416


def test_a_part_is_heard_with_a_note_that_the_user_knows(client: TestClient, sound: str):
    heard = client.get(f"/sounds/{sound}/heard", params={"start": 0.8, "end": 1.3, "note": 45}).json()

    assert (heard["pitch"], heard["note"]) == (45, "A2")
    assert heard["start"] == pytest.approx(0.8, abs=0.01)
    assert heard["end"] == pytest.approx(1.3, abs=0.01)


def test_noise_around_a_sound_is_measured(client: TestClient):
    rate = 22_050
    rng = np.random.default_rng(0)
    samples = 0.003 * rng.standard_normal(3 * rate)
    samples[rate : 2 * rate] += 0.5 * np.sin(2 * np.pi * 220 * np.arange(rate) / rate)

    heard = client.post("/sounds", content=wav(samples)).json()["heard"]

    assert heard["noise_db"] == pytest.approx(20 * np.log10(0.003), abs=1.5)
    assert heard["start"] == pytest.approx(1.0, abs=0.05)


def test_a_removed_sound_is_gone(client: TestClient, settings: StudioSettings, sound: str):
    assert client.delete(f"/sounds/{sound}").status_code == 204
    assert client.get(f"/sounds/{sound}").status_code == 404
    assert client.delete(f"/sounds/{sound}").status_code == 404
    assert list((settings.workspace / "sounds").iterdir()) == []


def test_a_spectrogram_is_a_grey_picture_with_its_scales(client: TestClient, sound: str):
    reply = client.get(f"/sounds/{sound}/spectrogram")
    width, height, depth, colour = struct.unpack(">IIBB", reply.content[16:26])

    assert reply.headers["content-type"] == "image/png"
    assert (depth, colour) == (8, 0)
    assert (width > 100, height > 100) == (True, True)
    assert float(reply.headers["x-low-hz"]) == 30
    assert float(reply.headers["x-high-hz"]) == pytest.approx(11_025)


@pytest.mark.parametrize("hz", [60.0, 440.0, 5_000.0])
def test_a_tone_is_bright_at_its_own_frequency(hz: float):
    rate = 44_100
    data, high = spectrogram_png(np.sin(2 * np.pi * hz * np.arange(2 * rate) / rate).astype(np.float32), rate)
    width, height = struct.unpack(">II", data[16:24])
    lines = np.frombuffer(zlib.decompress(data[data.index(b"IDAT") + 4 :]), np.uint8).reshape(height, width + 1)

    brightest = int(np.argmax(lines[:, 1 + width // 2]))
    found = 30 * (high / 30) ** ((height - brightest - 0.5) / height)

    assert found == pytest.approx(hz, rel=0.1)


@pytest.mark.slow
def test_what_a_browser_records_is_read(client: TestClient, sine: bytes, tmp_path):
    from patchflow.audio._ffmpeg import ffmpeg_program

    program = ffmpeg_program()
    assert program is not None
    (tmp_path / "a.wav").write_bytes(sine)
    target = tmp_path / "a.webm"
    subprocess.run([program, "-v", "error", "-i", str(tmp_path / "a.wav"), "-c:a", "libopus", str(target)], check=True)

    reply = client.post("/sounds", params={"name": "recording"}, content=target.read_bytes())

    assert reply.status_code == 201
    assert reply.json()["heard"]["pitch"] == 57


def test_a_damaged_sound_hides_no_other(client: TestClient, settings: StudioSettings, sine: bytes):
    first, other = (client.post("/sounds", params={"name": name}, content=sine).json()["id"] for name in "ab")
    (settings.workspace / "sounds" / f"{first}.json").write_bytes(b'{"id": ')

    assert [sound["id"] for sound in client.get("/sounds").json()] == [other]
    assert client.get(f"/sounds/{first}").status_code == 507


def test_sounds_are_decoded_one_at_a_time(client: TestClient, sine: bytes, monkeypatch: pytest.MonkeyPatch):
    at_once: list[int] = []
    under_way: list[str] = []
    decoded = Workspace.decoded

    def watched(self: Workspace, path: Path, name: str, seconds: float) -> Sound:
        under_way.append(name)
        at_once.append(len(under_way))
        time.sleep(0.02)
        found = decoded(self, path, name, seconds)
        under_way.remove(name)
        return found

    monkeypatch.setattr(Workspace, "decoded", watched)
    threads = [
        threading.Thread(target=client.post, args=("/sounds",), kwargs={"params": {"name": name}, "content": sine})
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert at_once == [1, 1, 1, 1]


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line_and_leaves_nothing(
    client: TestClient, settings: StudioSettings, sine: bytes, monkeypatch: pytest.MonkeyPatch
):
    opened_path = Path.open

    def full(path: Path, *rest: Any) -> Any:
        return opened_path(FULL, "wb", 0) if path.parent.name == "incoming" else opened_path(path, *rest)

    monkeypatch.setattr(Path, "open", full)
    reply = client.post("/sounds", content=sine)
    monkeypatch.undo()

    assert reply.status_code == 507
    assert "o space left" in reply.json()["error"]
    assert list((settings.workspace / "incoming").iterdir()) == []
    assert client.post("/sounds", content=sine).status_code == 201
