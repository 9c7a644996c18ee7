"""The files of a path hold its presets, in order, and appear together."""

import hashlib
import io
import json
from dataclasses import replace

import mido
import numpy as np
import pytest
import soundfile

from patchflow.engines import Note, engines
from patchflow.errors import StorageError
from patchflow.explore.grid import Grid
from patchflow.explore.morph import morph
from patchflow.explore.output import path_files
from patchflow.explore.output.path_files import write_path
from patchflow.explore.path import Path, read_path
from patchflow.presets import Preset, read_presets

NOTE = Note(hold=0.1, length=0.2)


@pytest.fixture(scope="module")
def tone_path() -> Path:
    a = Preset("tone", {"wave": "sine", "decay": 1.0, "gain": -40.0}, name="A")
    b = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -10.0}, name="B")
    return morph([a, b], note=NOTE, steps=3, renders=200)


@pytest.fixture(scope="module")
def dexed_path() -> Path:
    space = engines["dexed"].space
    init = space.decode(space.default())
    b = Preset("dexed", {**init, "op2.output": 80}, name="B")
    return morph([Preset("dexed", init, name="A"), b], note=NOTE, steps=4, renders=200)


def test_presets_of_any_synth_are_in_one_file_with_sounds_and_numbers(tone_path, tmp_path):
    files = write_path(tone_path, "a-to-b", tmp_path)

    assert files.names == ("a-to-b.preset.json", "a-to-b.wav", "a-to-b-sweep.wav", "a-to-b.json")
    read = read_presets(tmp_path / "a-to-b.preset.json").presets
    assert [preset.name for preset in read] == ["MORPH 01", "MORPH 02", "MORPH 03"]
    assert [dict(preset.values) for preset in read] == [step.values for step in tone_path.steps]
    assert read_path(tmp_path / "a-to-b.json") == tone_path


def test_notes_follow_each_other_at_one_level(tone_path, tmp_path):
    write_path(tone_path, "x", tmp_path)
    sound, rate = soundfile.read(tmp_path / "x.wav")

    notes = sound.reshape(3, rate)
    assert rate == 44_100
    assert np.abs(notes[:, : rate // 2]).max(1).min() > 0.01
    sweep, _ = soundfile.read(tmp_path / "x-sweep.wav")
    assert len(sweep) == 5 * rate  # four seconds, and one after the key


def test_numbers_name_every_other_file_with_its_checksum(tone_path, tmp_path):
    files = write_path(tone_path, "x", tmp_path, extra={"settings": {"seed": 3}})
    content = json.loads((tmp_path / "x.json").read_text())

    assert content["settings"] == {"seed": 3}
    assert set(content["files"]) == set(files.names) - {"x.json"}
    for name, checksum in content["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == checksum


def test_program_changes_go_through_a_bank_of_32(dexed_path, tmp_path):
    write_path(dexed_path, "x", tmp_path)

    bank = read_presets(tmp_path / "x.syx").presets
    assert len(bank) == 32
    assert [voice.name for voice in bank[:5]] == ["MORPH 01", "MORPH 02", "MORPH 03", "MORPH 04", "INIT VOICE"]
    assert [dict(voice.values) for voice in bank[:4]] == [step.values for step in dexed_path.steps]
    messages = [m for m in mido.MidiFile(tmp_path / "x.mid") if not m.is_meta]
    assert [m.program for m in messages if m.type == "program_change"] == [0, 1, 2, 3]
    assert [m.type for m in messages[:3]] == ["program_change", "note_on", "note_off"]


def test_each_voice_is_sent_before_its_note(dexed_path, tmp_path):
    write_path(dexed_path, "x", tmp_path)

    messages = [m for m in mido.MidiFile(tmp_path / "x-sysex.mid") if not m.is_meta]
    dumps = [bytes(m.bin()) for m in messages if m.type == "sysex"]
    assert {len(dump) for dump in dumps} == {163}
    for dump, step in zip(dumps, dexed_path.steps, strict=True):
        file = tmp_path / "one.syx"
        file.write_bytes(dump)
        assert dict(read_presets(file).presets[0].values) == step.values
    assert [m.type for m in messages[:3]] == ["sysex", "note_on", "note_off"]
    assert messages[1].time == pytest.approx(0.1, abs=0.002)


@pytest.fixture
def long_path(dexed_path) -> Path:
    """The path to and fro until there are 240 presets: more than programs, and more than a sweep has moments."""
    return replace(dexed_path, steps=dexed_path.steps * 60, grid=Grid(1, 240))


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sounds of two hundred presets take minutes."""
    monkeypatch.setattr(path_files, "_sounds", lambda *_: {})


@pytest.mark.usefixtures("unheard")
def test_a_path_of_240_voices_is_sent_voice_by_voice(long_path, tmp_path):
    files = write_path(long_path, "x", tmp_path)

    assert "x.mid" not in files.names  # no program change reaches more than 32
    now = 0.0
    dumps = []
    notes = []
    for message in mido.MidiFile(tmp_path / "x-sysex.mid"):
        now += message.time
        if message.type == "sysex":
            dumps.append((now, bytes(message.bin())))
        if message.type == "note_on":
            notes.append(now)
    np.testing.assert_allclose([at for at, _ in dumps], np.arange(240), atol=0.001)
    np.testing.assert_allclose(notes, np.arange(240) + 0.1, atol=0.001)
    assert dumps[236][1] != dumps[237][1]
    (tmp_path / "all.syx").write_bytes(b"".join(data for _, data in dumps))
    for file in ("all.syx", "x.syx"):
        voices = read_presets(tmp_path / file).presets[:240]
        assert [dict(voice.values) for voice in voices] == [step.values for step in long_path.steps]


@pytest.mark.usefixtures("unheard")
def test_a_longer_path_leaves_nothing_of_a_shorter_one(dexed_path, long_path, tmp_path):
    assert "x.mid" in write_path(dexed_path, "x", tmp_path).names
    files = write_path(long_path, "x", tmp_path)

    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == set(files.names)


def test_nothing_is_written_where_one_file_cannot_be(tone_path, tmp_path):
    (tmp_path / "x-sweep.wav").mkdir()

    with pytest.raises(StorageError, match=r"x-sweep\.wav"):
        write_path(tone_path, "x", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file() and path.suffix) == []


def test_a_midi_file_is_read_by_other_programs(dexed_path, tmp_path):
    write_path(dexed_path, "x", tmp_path)

    data = (tmp_path / "x.mid").read_bytes()
    assert mido.MidiFile(file=io.BytesIO(data)).length == pytest.approx(3.75, abs=0.01)
