"""`patchflow presets`: files into the library, and out again."""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.files import extensions
from patchflow.presets.formats import formats


def voices(count: int, seed: int = 0) -> list[Preset]:
    space = engines["dexed"].space
    points = np.random.default_rng(seed).random((count, len(space)))
    return [Preset("dexed", space.decode(point), f"NO {seed}.{i}") for i, point in enumerate(points)]


def saw(**known: object) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, **known)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHFLOW_LIBRARY", str(tmp_path / "library.sqlite"))
    return tmp_path / "library.sqlite"


@cache
def dumps(count: int, seed: int = 0) -> bytes:
    return b"".join(formats["syx"]().write([voice]) for voice in voices(count, seed))


@pytest.fixture
def banks(shell) -> Path:
    """A folder with four voices in two files and a text below it."""
    (shell.folder / "banks" / "old").mkdir(parents=True)
    (shell.folder / "banks" / "a.SYX").write_bytes(dumps(3))
    (shell.folder / "banks" / "old" / "b.syx").write_bytes(dumps(1, seed=1))
    (shell.folder / "banks" / "readme.txt").write_text("not a preset")
    return shell.folder / "banks"


def test_a_folder_is_imported_all_the_way_down(shell, banks):
    done = shell.run("presets", "import", "--no-vectors", banks)

    assert (done.code, done.out, done.err) == (
        0,
        "4 new presets, 0 already there\n",
        "passed over: 1 .txt\n",
    )


def test_importing_again_is_no_failure(shell, banks):
    shell.run("presets", "import", "--no-vectors", banks)

    done = shell.run("presets", "import", "--no-vectors", banks / "a.SYX")

    assert (done.code, done.out) == (0, "0 new presets, 3 already there\n")


def test_damaged_voices_are_named_and_the_others_imported(shell, banks):
    data = bytearray((banks / "a.SYX").read_bytes())
    data[6 + 144] = 49
    (banks / "a.SYX").write_bytes(data[:263] + data[264:])  # and the second has lost a byte

    done = shell.run("presets", "import", "--no-vectors", banks)

    assert (done.code, done.out) == (0, "3 new presets, 0 already there; 1 rejected; 1 mended\n")
    assert f"{banks / 'a.SYX'}: the dump at byte 163 holds 155 bytes before its end, not 156" in done.err
    assert "checksum" in done.err


def test_nothing_imported_is_a_failure(shell, library):
    (shell.folder / "bad.syx").write_bytes(b"bad")

    done = shell.run("presets", "import", "--no-vectors", "bad.syx", "gone.syx")

    assert (done.code, done.out) == (1, "0 new presets, 0 already there; 2 files not read\n")
    assert "bad.syx: not a DX7 file" in done.err
    assert "gone.syx: no such file" in done.err
    assert not library.exists()


def test_a_folder_without_presets_is_named(shell):
    (shell.folder / "empty").mkdir()

    done = shell.run("presets", "import", "--no-vectors", "empty")

    assert (done.code, done.err) == (1, f"empty: no preset files ({', '.join(extensions())}) in this folder\n")


def test_a_preset_of_an_unknown_synth_is_rejected_with_its_place_in_the_file(shell):
    content = {"format": "patchflow-presets", "version": 1, "presets": [7, {"synth": "tono", "values": {}}]}
    (shell.folder / "a.json").write_text(json.dumps(content))

    done = shell.run("presets", "import", "--no-vectors", "a.json")

    assert done.code == 1
    assert "voice 1: 7: not an object" in done.err
    assert "voice 2: no synth named 'tono'" in done.err


def test_the_file_and_its_folders_are_the_source(shell, banks):
    shell.run("presets", "import", "--no-vectors", "banks")

    (entry,) = json.loads(shell.run("presets", "list", "1.0", "old/b", "--json").out)

    assert entry["labels"] == [
        {"name": "NO 1.0", "category": "", "author": "", "tags": [], "source": "banks/old/b.syx"}
    ]


def test_a_search_prints_a_line_for_each(shell):
    write_presets("a.json", [saw(name="Saw", category="Lead", author="Ann", tags=("sharp",)), *voices(1)])
    shell.run("presets", "import", "--no-vectors", "a.json")

    assert shell.run("presets", "list", "SHARP").out == "1  Saw  Lead  Ann  tone\n"
    assert shell.run("presets", "list").out == "1  Saw     Lead  Ann  tone\n2  NO 0.0             dexed\n"
    assert shell.run("presets", "list", "--author", "bob").out == ""


def test_a_search_for_bytes_that_are_no_letters_finds_nothing(shell):
    write_presets("a.json", [saw(name="Saw")])
    shell.run("presets", "import", "--no-vectors", "a.json")

    assert "no preset has" in shell.run("presets", "list", "a\udc80").err
    assert shell.run("presets", "list", "--author", "\udc80").out == ""


def test_a_search_that_ends_early_says_so(shell, banks):
    shell.run("presets", "import", "--no-vectors", banks)

    done = shell.run("presets", "list", "--limit", "2")

    assert len(done.out.splitlines()) == 2
    assert done.err == "the first 2; more with --limit\n"


def test_a_preset_is_shown_with_all_names_and_values(shell):
    write_presets("a.json", [saw(name="Saw", author="Ann"), saw(name="Other")])
    shell.run("presets", "import", "--no-vectors", "a.json")

    assert shell.run("presets", "show", "1").out.splitlines() == [
        "id        1",
        "name      Saw",
        "author    Ann",
        "synth     tone",
        "known as  Saw  Ann  a.json",
        "known as  Other  a.json",
        "osc       wave=saw",
        "amp       decay=0.5  gain=-6",
    ]


def test_the_values_of_a_preset_are_there_as_json(shell):
    write_presets("a.syx", voices(1))
    shell.run("presets", "import", "--no-vectors", "a.syx")

    assert json.loads(shell.run("presets", "show", "1", "--json").out)["values"] == voices(1)[0].values


def test_what_is_exported_is_what_was_imported(shell, banks):
    shell.run("presets", "import", "--no-vectors", banks / "a.SYX")

    done = shell.run("presets", "export", "3", "1", "-o", "out.syx")

    assert (done.code, done.out) == (0, "out.syx  2 presets\n")
    assert read_presets("out.syx").presets[:2] == (voices(3)[2], voices(3)[0])


def test_what_does_not_fit_the_format_is_not_exported(shell):
    write_presets("a.json", [saw(name="Saw")])
    shell.run("presets", "import", "--no-vectors", "a.json")

    done = shell.run("presets", "export", "1", "-o", "out.syx")

    assert (done.code, done.err) == (1, "patchflow: Saw: is for 'tone', a .syx file holds presets of 'dexed' only\n")
    assert not Path("out.syx").exists()


def test_what_is_removed_is_gone(shell, banks):
    shell.run("presets", "import", "--no-vectors", banks / "a.SYX")

    done = shell.run("presets", "remove", "1", "2", "--json")

    assert (done.code, done.out) == (0, '{"removed": [1, 2]}\n')
    assert len(json.loads(shell.run("presets", "list", "--json").out)) == 1


def test_another_library_may_be_named(shell, banks, library):
    shell.run("presets", "import", "--no-vectors", banks, "--library", "mine.sqlite")

    assert shell.run("presets", "list", "--limit", "1", "--library", "mine.sqlite").out == "1  NO 0.0  dexed\n"
    assert not library.exists()


@pytest.mark.parametrize(
    "words", [["list"], ["show", "1"], ["export", "1", "-o", "a.syx"], ["remove", "1"], ["undo"], ["repair"]], ids=str
)
def test_a_missing_library_is_one_line(shell, words):
    done = shell.run("presets", *words)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("patchflow: there is no preset library at ")


@pytest.mark.parametrize("words", [["show", "3"], ["export", "1", "3", "-o", "a.syx"], ["remove", "1", "3"]], ids=str)
def test_an_unknown_number_is_one_line(shell, banks, words):
    shell.run("presets", "import", "--no-vectors", banks / "a.SYX")
    shell.run("presets", "remove", "3")

    done = shell.run("presets", *words)

    assert (done.code, done.err) == (1, "patchflow: no preset named '3'. Known: numbers up to 2.\n")


@pytest.mark.parametrize("command", ["import", "listen", "list", "show", "export", "remove", "undo", "repair"])
def test_every_command_has_help_with_an_example(shell, command):
    done = shell.run("presets", command, "--help")

    assert done.code == 0
    assert f"Example: patchflow presets {command}" in done.out
    assert "--library" in done.out
    assert "--json" in done.out


def test_presets_are_tagged_and_found_by_their_tags(shell):
    write_presets(shell.folder / "some.json", [saw(name="Brass 1")])
    shell.run("presets", "import", "--no-vectors", "some.json")

    done = shell.run("presets", "tag", "--synth", "tone")

    assert (done.code, done.out) == (0, "1 preset described\n")
    assert "Brass 1" in shell.run("presets", "list", "bright", "--category", "brass").out
    assert "measured at middle C" in shell.run("presets", "show", 1).out


def test_tagging_an_unknown_synth_is_one_line(shell):
    done = shell.run("presets", "tag", "--synth", "tonne")

    assert (done.code, done.out) == (1, "")
    assert done.err == "patchflow: no synth named 'tonne'. Did you mean 'tone'?\n"


def test_what_a_folder_holds_beside_presets_is_counted_by_kind(shell):
    folder = shell.folder / "pack"
    for name in ("a.wav", "b.WAV", "cover.png", "._a.syx", ".DS_Store", "__MACOSX/._b.syx", "notes.txt", "LICENSE"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"anything")
    (folder / "result.json").write_text('{"format": "patchflow-match", "candidates": []}')
    (folder / "bank.bin").write_bytes(dumps(2))

    done = shell.run("presets", "import", "--no-vectors", "pack")
    as_json = shell.run("presets", "import", "--no-vectors", "pack", "--json")

    assert (done.code, done.out) == (0, "2 new presets, 0 already there\n")
    assert done.err == "passed over: 2 .wav, 1 .json, 1 .png, 1 .txt, 1 without an ending\n"
    assert json.loads(as_json.out) == {
        "files": 1,
        "added": 0,
        "merged": 2,
        "problems": [],
        "mended": [],
        "passed_over": {".wav": 2, ".png": 1, "without an ending": 1, ".txt": 1, ".json": 1},
    }


def test_what_is_alike_is_said_once(shell):
    data = bytearray(dumps(3))
    for voice in range(3):
        data[voice * 163 + 161] ^= 1  # the checksum
    for name in ("a.syx", "b.syx"):
        (shell.folder / name).write_bytes(data)

    done = shell.run("presets", "import", "--no-vectors", "a.syx", "b.syx")
    verbose = shell.run("presets", "import", "--no-vectors", "a.syx", "b.syx", "--verbose")

    lines = done.err.splitlines()
    assert len(lines) < len(verbose.err.splitlines())
    assert all("--verbose names each" in line for line in lines)
    assert all("--verbose" not in line for line in verbose.err.splitlines())


def test_a_search_without_a_hit_says_which_words_there_are(shell):
    write_presets("a.json", [saw(name="Solid Lead", category="Lead", author="Ann", tags=("bright",))])
    shell.run("presets", "import", "--no-vectors", "a.json")

    done = shell.run("presets", "list", "brigth", "lead")
    filtered = shell.run("presets", "list", "--category", "Leed")
    together = shell.run("presets", "list", "solid", "--synth", "dexed")
    as_json = shell.run("presets", "list", "xyz", "--json")

    assert (done.code, done.out) == (0, "")
    assert done.err == "no preset has 'brigth'. Did you mean 'bright'? Words there are: Lead, bright.\n"
    assert filtered.err == "no preset has the category 'Leed'. Did you mean 'Lead'? Categories there are: Lead.\n"
    assert together.err == "no preset has the synth 'dexed'. Synths there are: tone.\n"
    assert (as_json.out, as_json.err) == ("[]\n", "no preset has 'xyz'. Words there are: Lead, bright.\n")


def test_words_that_are_there_but_not_together_are_told_apart(shell):
    write_presets("a.json", [saw(name="Warm", author="Ann")])
    write_presets("b.json", [Preset("tone", {"wave": "sine", "decay": 0.5, "gain": -6.0}, "Other", author="Bob")])
    shell.run("presets", "import", "--no-vectors", "a.json", "b.json")

    done = shell.run("presets", "list", "warm", "--author", "bob")

    assert (done.code, done.out, done.err) == (0, "", "no preset has all of this at once\n")


def test_a_removal_is_undone_once(shell, banks):
    shell.run("presets", "import", "--no-vectors", banks)
    before = shell.run("presets", "list", "--json").out

    removed = shell.run("presets", "remove", "1", "3")
    undone = shell.run("presets", "undo")
    again = shell.run("presets", "undo")

    assert removed.out == "removed 1, 3. To bring back: patchflow presets undo\n"
    assert undone.out == "brought back 1, 3\n"
    assert again.out == "nothing to bring back: no presets were removed since the last undo\n"
    assert shell.run("presets", "list", "--json").out == before


def test_a_damaged_library_is_repaired(shell, banks, library):
    shell.run("presets", "import", "--no-vectors", banks)
    before = shell.run("presets", "list", "--json").out
    library.write_bytes(b"XQLite" + library.read_bytes()[6:])

    refused = shell.run("presets", "import", "--no-vectors", banks)
    repaired = shell.run("presets", "repair")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.endswith(f"save what is whole with: patchflow presets repair --library {library}\n")
    assert (repaired.code, repaired.out) == (0, f"{library}: saved 4 of 4 presets with 4 names\n")
    assert repaired.err.startswith(f"the damaged file is kept as {library.with_name('library.damaged-')}")
    assert shell.run("presets", "list", "--json").out == before
    assert shell.run("presets", "repair").out == f"{library}: whole, nothing to repair\n"


@pytest.mark.parametrize("words", [["list"], ["import", "a.json"], ["remove", "1"], ["repair"]], ids=str)
def test_a_library_that_is_no_file_is_one_line(shell, words):
    write_presets("a.json", [saw()])
    os.mkfifo("pipe")

    for path, kind in (("pipe", "a pipe"), ("/dev/zero", "a device"), (".", "a folder")):
        done = shell.run("presets", *words, "--library", path)

        assert (done.code, done.out) == (1, "")
        assert done.err == f"patchflow: preset library {path}: it is {kind}, not a file\n"
