"""`patchflow convert`: preset files from one format to another."""

import numpy as np

from patchflow.engines import engines
from patchflow.presets import Preset, read_presets, write_presets
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


def test_damaged_presets_are_reported_and_left_out(shell):
    write_presets("a.syx", voices(32))
    data = bytearray((shell.folder / "a.syx").read_bytes())
    data[6 + 110] = 0x7F + 1
    (shell.folder / "a.syx").write_bytes(data)

    done = shell.run("convert", "a.syx", "b.json")

    assert done.code == 0
    assert "a.syx: voice 1 'V0': " in done.err
    assert [preset.name for preset in read_presets("b.json").presets] == [f"V{i}" for i in range(1, 32)]


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
