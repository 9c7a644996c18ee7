"""`patchflow render`: a preset file to a sound file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.engines import Note, engines
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.formats.syx import Syx
from tests.vital_files import document, packed


@pytest.fixture
def bank(shell):
    space = engines["dexed"].space
    init = space.decode(space.default())
    voices = [Preset("dexed", {**init, "op1.output": 90 + n, "op1.coarse": n}, name=f"VOICE {n}") for n in range(1, 4)]
    path = shell.folder / "bank.syx"
    write_presets(path, voices)
    return path


def test_it_writes_what_the_engine_plays(shell):
    point = engines["tone"].space.encode({"wave": "saw", "decay": 0.5, "gain": -6.0})
    write_presets("saw.json", [Preset("tone", engines["tone"].space.decode(point), name="Saw")])

    words = ("--note", "C3", "--velocity", 64, "--hold", 0.1, "--length", 0.2, "--rate", 22_050, "--out", "x.flac")
    done = shell.run("render", "saw.json", *words)
    sound, rate = soundfile.read("x.flac")

    assert (done.code, done.out, done.err, rate) == (0, "x.flac  Saw\n", "", 22_050)
    np.testing.assert_allclose(sound, engines["tone"]().render(point, Note(48, 64, 0.1, 0.2), 22_050), atol=1e-6)


def test_it_is_named_after_file_voice_and_note(shell, bank):
    shell.run("render", bank, "--length", 0.1)
    shell.run("render", bank, "--length", 0.1, "--voice", 3, "--note", 61)

    assert shell.files() == {"bank.syx", "bank-C4.wav", "bank-3-C#4.wav"}


def test_a_voice_of_a_bank_is_chosen_by_its_place(shell, bank):
    done = shell.run("render", bank, "--voice", 2, "--length", 0.1)

    assert done.out == "bank-2-C4.wav  VOICE 2\n"


def test_voices_behind_a_lost_dump_keep_their_places(shell, bank):
    one = Syx().write(read_presets(bank).presets[:1])
    bank.write_bytes(one + one[:100] + one[101:] + one)

    good, bad = (shell.run("render", bank, "--voice", voice, "--length", 0.1) for voice in (3, 2))

    assert good.out == "bank-3-C4.wav  VOICE 1\n"
    assert (bad.code, bad.err.count("\n")) == (1, 1)
    assert "voice 2 is missing: the dump at byte 163 holds 155 bytes before its end, not 156" in bad.err


def test_a_sound_that_would_clip_is_turned_down_and_said(shell):
    write_presets("loud.json", [Preset("tone", {"wave": "saw", "decay": 4.0, "gain": 0.0})])

    quiet = shell.run("render", "loud.json", "--velocity", 127, "--length", 0.1, "--out", "a.wav")
    sound, _ = soundfile.read("a.wav")

    assert quiet.code == 0
    assert 0.99 < np.abs(sound).max() <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.syx"], "cannot read missing.syx: no such file"),
        (["text.syx"], "text.syx: not a DX7 file"),
        (["cut.syx"], "cut.syx: "),
        (["bank.syx", "--voice", "33"], "voice=33: bank.syx has 32 voices"),
        (["bank.syx", "--voice", "0"], "voice=0: bank.syx has 32 voices"),
        (["bank.syx", "--velocity", "128"], "velocity=128: not in [1, 127]"),
        (["bank.syx", "--hold", "0"], "hold=0"),
        (["bank.syx", "--length", "999"], "length=999"),
        (["bank.syx", "--rate", "1"], "rate=1Hz: not in [8000, 192000]"),
        (["bank.syx", "--note", "C99"], "note=C99"),
        (["bank.syx", "--out", "x.mp3"], "x.mp3"),
        (["bank.syx", "--out", "bank.syx/x.wav"], "cannot write bank.syx/x.wav: not a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_allowed_is_one_line(shell, bank, words, message):
    (shell.folder / "text.syx").write_bytes(b"hello" * 100)
    (shell.folder / "cut.syx").write_bytes(bank.read_bytes()[:100])
    before = shell.files()

    done = shell.run("render", *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("patchflow: ")
    assert message in done.err
    assert shell.files() == before


@pytest.mark.slow
def test_a_preset_of_vital_sounds_with_its_own_wavetables(shell):
    content = document()
    Path("mine.vital").write_bytes(packed(content))
    content["settings"]["wavetables"][0] = content["settings"]["wavetables"][1]
    Path("other.vital").write_bytes(packed(content))

    for name in ("mine", "other"):
        done = shell.run(
            "render", f"{name}.vital", "--hold", 0.2, "--length", 0.3, "--rate", 22_050, "--out", f"{name}.wav"
        )
        assert (done.code, done.err) == (0, "")
    mine, other = (soundfile.read(f"{name}.wav")[0] for name in ("mine", "other"))

    assert np.abs(mine).max() > 0.01
    assert np.abs(mine - other).max() > 0.01


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed({**document(), "synth_version": "0.8"}), "made by Vital 0.8, older than 0.9"),
        (packed(document(filter_1_cutoff="open")), "filter_1_cutoff='open': not a number"),
        (b"not JSON", "not a preset file: Expecting value at line 1, column 1"),
    ],
    ids=["of an old version", "no number", "no JSON"],
)
def test_a_bad_preset_of_vital_is_one_line(shell, data: bytes, said: str):
    Path("bad.vital").write_bytes(data)

    done = shell.run("render", "bad.vital")

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert said in done.err
    assert shell.files() == {"bad.vital"}
