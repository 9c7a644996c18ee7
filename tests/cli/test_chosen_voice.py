"""Every command that takes a preset takes a voice of a bank, as `bank.json:2` and as `--voice 2`."""

import pytest

from patchflow.presets import Preset, write_presets
from tests.explore.voices import RATE, hum

SAW = Preset("tone", {"wave": "saw", "decay": 0.3, "gain": -12.0}, name="Saw")
SINE = Preset("tone", {"wave": "sine", "decay": 1.0, "gain": -12.0}, name="Sine")

COMMANDS = {
    "render": ("render", "BANK", "--out", "out/sound.wav"),
    "vary": ("vary", "BANK", "--count", 1, "--renders", 60, "--out", "out"),
    "turn": ("turn", "BANK", "length=+0.5", "--steps", 2, "--out", "out"),
    "morph": ("morph", "bank.json:1", "BANK", "--steps", 3, "--renders", 200, "--out", "out"),
    "sketch": ("sketch", "hum.wav", "--synth", "tone", "--preset", "BANK", "--out", "out"),
}
MATCH = ("match", "hum.wav", "--synth", "tone", "--on", "BANK", "--out", "out")


@pytest.fixture
def folder(shell):
    write_presets("bank.json", [SAW, SINE])
    shell.save("hum.wav", hum([57, 60]).samples, RATE)
    (shell.folder / "out").mkdir()
    return shell.folder / "out"


def run(shell, words: tuple[object, ...], name: str, *more: object):
    return shell.run(*(name if word == "BANK" else word for word in words), *more)


@pytest.mark.parametrize("command", COMMANDS)
def test_both_ways_to_say_it_do_the_same(shell, folder, command: str):
    written = []
    for name, more in (("bank.json:2", ()), ("bank.json", ("--voice", 2))):
        done = run(shell, COMMANDS[command], name, *more)
        assert done.code == 0, done.err
        written.append({file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".json"})
        for file in folder.iterdir():
            file.unlink()

    assert written[0] == written[1] != {}


@pytest.mark.parametrize("words", [*COMMANDS.values(), MATCH], ids=[*COMMANDS, "match"])
@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("bank.json:0", (), "voice=0: bank.json has 2 voices"),
        ("bank.json:3", (), "voice=3: bank.json has 2 voices"),
        ("bank.json:2", ("--voice", 1), "bank.json:2: says which voice, so leave out --voice 1"),
    ],
    ids=["no place 0", "too few", "twice"],
)
def test_a_voice_that_is_not_there_is_one_line(shell, folder, words, name: str, more, said: str):
    if words[0] == "morph" and more:
        pytest.skip("its --voice is for the files that do not say it")

    done = run(shell, words, name, *more)

    assert (done.code, done.err.count("\n")) == (1, 1)
    assert said in done.err
    assert not list(folder.iterdir())


@pytest.mark.parametrize("words", [("hum.wav:2",), ("hum.wav", "--voice", 2)])
def test_a_sound_has_no_voices(shell, folder, words):
    done = shell.run("turn", *words, "length=+0.5", "--out", "out")

    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "a sound has no voices" in done.err


def test_a_file_of_just_this_name_counts_as_it_is(shell, folder):
    write_presets("saw.json", [SAW])
    (shell.folder / "saw.json").rename(shell.folder / "bank.json:2")

    assert shell.run("render", "bank.json:2", "--out", "one.wav").code == 0
    assert shell.run("render", "bank.json", "--voice", 1, "--out", "two.wav").code == 0
    assert (shell.folder / "one.wav").read_bytes() == (shell.folder / "two.wav").read_bytes()
