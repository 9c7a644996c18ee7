"""`patchflow convert`: preset files from one format to another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.formats.syx import Syx
from tests.vital_files import document, packed


def voices(count: int) -> list[Preset]:
    space = engines["dexed"].space
    points = np.random.default_rng(0).random((count, len(space)))
    return [Preset("dexed", space.decode(point), name=f"V{i}") for i, point in enumerate(points)]


def test_a_bank_becomes_text_and_a_bank_again(shell):
    write_presets("a.syx", voices(32))

    first, second = shell.run("convert", "a.syx", "b.json"), shell.run("convert", "b.json", "c.syx")

    assert (first.out, second.out) == ("b.json  32 presets\n", "c.syx  32 presets\n")
    assert (shell.folder / "a.syx").read_bytes() == (shell.folder / "c.syx").read_bytes()


def test_an_edited_value_that_is_not_allowed_names_file_and_preset(shell):
    edited = voices(3)
    edited[1] = replace(edited[1], values={**edited[1].values, "op1.output": 300})
    write_presets("a.json", edited)

    done = shell.run("convert", "a.json", "b.syx")

    assert (done.code, done.err) == (
        1, "patchflow: a.json: voice 2 'V1': op1.output=300: not a whole number in [0, 99]\n"
    )  # fmt: skip
    assert not Path("b.syx").exists()


def rewrite(path: Path, changes: dict[int, int]) -> None:
    data = bytearray(path.read_bytes())
    for byte, value in changes.items():
        data[byte] = value
    path.write_bytes(data)


def test_faults_are_mended_and_reported(shell):
    write_presets("a.syx", voices(32))
    rewrite(shell.folder / "a.syx", {6 + 128 + 117: 100})

    done = shell.run("convert", "a.syx", "b.json")

    assert done.code == 0
    assert "a.syx: voice 2 'V1': transpose (byte 251) is 100, taken as 48\n" in done.err
    assert read_presets("b.json").presets[1].values["transpose"] == 24


def test_strict_refuses_what_would_be_mended(shell):
    write_presets("a.syx", voices(32))
    rewrite(shell.folder / "a.syx", {6 + 128 + 117: 100, 6 + 256 + 117: 100})

    done = shell.run("convert", "a.syx", "b.json", "--strict")

    assert done.code == 1
    assert "a.syx: voice 2 'V1': transpose (byte 251) is 100, taken as 48, and 1 more like it. Nothing was" in done.err
    assert done.err.count("\n") == 1
    assert not (shell.folder / "b.json").exists()


def test_strict_takes_a_clean_file(shell):
    write_presets("a.syx", voices(32))

    assert shell.run("convert", "a.syx", "b.syx", "--strict").code == 0


def broken_bank(path: Path) -> None:
    """Three dumps of one voice: the second has lost bytes, so that its voice is gone."""
    singles = [Syx().write([voice]) for voice in voices(3)]
    path.write_bytes(singles[0] + singles[1][:50] + singles[1][60:] + singles[2])


def test_presets_keep_their_places_in_a_bank(shell):
    broken_bank(shell.folder / "a.syx")

    done = shell.run("convert", "a.syx", "b.syx")

    assert done.code == 0
    assert done.out == "b.syx  2 presets\n"
    assert done.err.endswith("b.syx: place 2 filled with '(lost)'\n")
    written = read_presets("b.syx").presets
    assert [preset.name for preset in written[:4]] == ["V0", "(lost)", "V2", "INIT VOICE"]
    assert written[1].values == written[3].values


def test_places_behind_the_last_preset_are_filled_too(shell):
    write_presets("a.syx", voices(32))
    (shell.folder / "a.syx").write_bytes((shell.folder / "a.syx").read_bytes()[: 6 + 30 * 128])

    done = shell.run("convert", "a.syx", "b.syx")

    assert "b.syx: places 31 to 32 filled with '(lost)'" in done.err
    assert [preset.name for preset in read_presets("b.syx").presets[29:]] == ["V29", "(lost)", "(lost)"]


def test_a_format_without_places_says_which_are_missing(shell):
    broken_bank(shell.folder / "a.syx")

    done = shell.run("convert", "a.syx", "b.json")

    assert done.err.endswith("b.json: place 2 left out, presets behind move up\n")
    assert [preset.name for preset in read_presets("b.json").presets] == ["V0", "V2"]


@pytest.mark.parametrize("link", ["same", "symbolic", "hard", "dots"])
def test_a_file_is_not_converted_into_itself(shell, link: str):
    write_presets("a.syx", voices(3))
    before = (shell.folder / "a.syx").read_bytes()
    target = shell.folder / "b.syx"
    if link == "symbolic":
        target.symlink_to("a.syx")
    elif link == "hard":
        target.hardlink_to(shell.folder / "a.syx")
    else:
        target = Path("a.syx") if link == "same" else shell.folder / ".." / shell.folder.name / "a.syx"

    done = shell.run("convert", "a.syx", str(target))

    assert done.code == 1
    assert "are the same file" in done.err
    assert done.err.count("\n") == 1
    assert (shell.folder / "a.syx").read_bytes() == before


def test_a_name_of_another_script_becomes_readable(shell):
    write_presets("a.json", [replace(voices(1)[0], name="Сопрано ピアノ")])

    shell.run("convert", "a.json", "b.syx")

    assert read_presets("b.syx").presets[0].name == "Soprano pi"


def test_presets_do_not_go_into_another_synths_format(shell):
    write_presets("a.json", [Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Saw")])

    for target, said in [("a.syx", "is for 'tone'"), ("a.fxp", "not of a VST2 plug-in"), ("a.wav", "no format")]:
        done = shell.run("convert", "a.json", target)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert target in done.err
        assert said in done.err
        assert not (shell.folder / target).exists()


def test_the_wrong_synth_is_an_error(shell):
    write_presets("a.syx", voices(1))

    assert "V0: is for 'dexed', not 'tone'" in shell.run("convert", "a.syx", "b.json", "--synth", "tone").err
    assert "no synth named 'oboe'" in shell.run("convert", "a.syx", "b.json", "--synth", "oboe").err


def test_either_vital_takes_the_others_presets(shell):
    (shell.folder / "mine.vital").write_bytes(packed(document(modulation_12_amount=0.25)))
    shell.run("convert", "mine.vital", "plain.vital")

    full, core = (
        shell.run("convert", source, target, "--synth", synth)
        for source, target, synth in [("mine.vital", "full.json", "vital_full"), ("full.json", "core.json", "vital")]
    )
    shell.run("convert", "full.json", "full.vital")
    shell.run("convert", "core.json", "core.vital")

    assert (full.code, core.code) == (0, 0)
    assert [read_presets(name).presets[0].synth for name in ("full.json", "core.json")] == ["vital_full", "vital"]
    files = [(shell.folder / name).read_bytes() for name in ("plain.vital", "full.vital", "core.vital")]
    assert files[0] == files[1] == files[2]


def test_a_preset_without_a_name_is_called_as_its_file(shell):
    (shell.folder / "Warm Bass.vital").write_bytes(packed({**document(), "preset_name": ""}))

    shell.run("convert", "Warm Bass.vital", "b.json")

    assert read_presets("b.json").presets[0].name == "Warm Bass"


def test_a_file_of_nothing_but_damage_is_told_in_few_lines(shell):
    Path("scraps.syx").write_bytes(b"\xf0\x43\x00\x00\x01\x1b" * 20_000)

    done = shell.run("convert", "scraps.syx", "scraps.json")

    assert done.err.count("\n") <= 202
