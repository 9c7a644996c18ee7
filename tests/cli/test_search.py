"""`patchflow search`, and what import does so that presets are found by their sound."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patchflow.presets import read_presets, write_presets
from tests import plain_ear
from tests.plain_ear import PlainEar, saws


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    plain_ear.put_in(monkeypatch, bank=saws([0.3, 1.5], author="Us", category="Pad"))
    monkeypatch.setenv("PATCHFLOW_LIBRARY", str(tmp_path / "library.sqlite"))
    return tmp_path / "library.sqlite"


@pytest.fixture
def presets(shell) -> Path:
    """Three presets of the library, listened to."""
    write_presets("mine.json", saws([0.1, 0.8, 2.0], category="Bass", tags=("mine",)))
    assert shell.run("presets", "import", "mine.json").out == "3 new presets, 0 already there\n"
    return shell.folder / "mine.json"


def found(shell, *words: object) -> list[str]:
    done = shell.run("search", *words, "--json")
    assert done.code == 0, done.err
    return [hit["number"] for hit in json.loads(done.out)["hits"]]


def test_hits_are_printed_with_place_and_reason(shell, presets):
    done = shell.run("search", "long")

    assert done.code == 0
    assert done.out.splitlines()[0] == "3       saw 2    Bass      tone  library        100%  long: 1.00"
    assert done.out.splitlines()[1].startswith("tone:2  saw 1.5  Pad   Us  tone  embedded bank  ")
    assert done.err == "understood as long\n"


def test_hits_are_there_as_json(shell, presets):
    content = json.loads(shell.run("search", "long", "xqz", "--json", "--limit", "1").out)

    assert (content["understood"], content["unknown"]) == ("long", ["xqz"])
    (hit,) = content["hits"]
    assert (hit["number"], hit["in"], hit["id"], hit["name"], hit["synth"]) == ("3", "library", 3, "saw 2", "tone")
    assert (hit["score"], hit["fit"], hit["nearness"]) == (1.0, 1.0, None)
    assert hit["labels"][0]["source"] == "mine.json"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["short", "--limit", "1"], ["1"]),
        (["long", "--in", "library", "--limit", "2"], ["3", "2"]),
        (["long", "--in", "bank"], ["tone:2", "tone:1"]),
        (["long", "--tag", "mine"], ["3", "2", "1"]),
        (["--category", "pad"], ["tone:1", "tone:2"]),
        (["--category", "not pad", "--limit", "2"], ["1", "2"]),
        (["--author", "us or ann", "--tag", "not mine"], ["tone:1", "tone:2"]),
        (["--tag", "mine", "--synth", "not tone"], []),
        (["--synth", "tone", "saw 0.3"], ["tone:1"]),
        (["--like", "mine.json:3", "--limit", "1"], ["3"]),
        (["--like", "3", "--limit", "1"], ["3"]),
        (["--like", "tone:2", "--limit", "1"], ["tone:2"]),
        (["--like", "mine.json", "--voice", "1", "long", "--category", "bass", "--limit", "1"], ["3"]),
    ],
    ids=str,
)
def test_what_is_asked_for_is_found(shell, presets, words, numbers):
    assert found(shell, *words) == numbers


def test_a_sound_finds_the_preset_that_made_it(shell, presets):
    from patchflow.engines import engines

    tone = engines["tone"]()
    values = read_presets(presets).presets[1].values
    shell.save("sound.wav", tone.render(tone.space.encode(values), plain_ear.NOTE, 44_100))

    done = shell.run("search", "--like", "sound.wav", "--limit", "1")

    assert done.out.startswith("2  saw 0.8  Bass  tone  library  ")
    assert done.out.endswith("% near\n")
    assert found(shell, "--like", "sound.wav", "--like", "2", "--limit", "1") == ["2"]


def test_the_nearest_are_played_beside_a_sound_and_sorted_by_decibels(shell, presets):
    from patchflow.engines import Note, engines

    tone = engines["tone"]()
    values = read_presets(presets).presets[1].values
    shell.save("low.wav", tone.render(tone.space.encode(values), Note(45, 100, 0.3, 0.6), 44_100))

    done = shell.run("search", "--like", "low.wav", "--play", "5")
    first = shell.run("search", "--like", "low.wav", "--play", "5", "--limit", "1")

    assert done.code == 0
    assert done.err.startswith("patchflow: played on A2, held 0.")
    lines = done.out.splitlines()
    assert lines[0].startswith("2       saw 0.8  ")
    distances = [float(line.rpartition(" dB, ")[0].split()[-1]) for line in lines]
    assert len(distances) == 5
    assert distances == sorted(distances)
    assert first.out.splitlines()[0].split() == lines[0].split()


def test_played_beside_a_preset_itself_is_the_nearest(shell, presets):
    content = json.loads(shell.run("search", "--like", "3", "--play", "3", "--note", "C3", "--json").out)

    assert content["hits"][0]["number"] == "3"
    assert content["hits"][0]["distance"] == 0.0
    assert [hit["distance"] is None for hit in content["hits"]] == [False, False, False, True, True]


def test_a_sound_or_words(shell, presets):
    done = shell.run("search", "--like", "1", "--or", "long", "--limit", "2")

    reasons = [line.rpartition("%  ")[2] for line in done.out.splitlines()]
    assert [line.split()[0] for line in done.out.splitlines()] == ["1", "3"]
    assert reasons[0].startswith("the sound; ")
    assert reasons[1].startswith("the words; ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--play", "5", "long"], "--play and --note need one --like: the sound that presets are played beside"),
        (["--play", "5", "--like", "1", "--like", "2"], "--play and --note need one --like"),
        (["--or", "long"], "--or stands between a sound and words: give --like and words"),
        (["--or", "--like", "1"], "--or stands between a sound and words"),
        (["--play", "0", "--like", "1"], "play=0: not 1 or more"),
        (["--play", "5", "--like", "1", "--note", "H9"], "note=H9: not a MIDI number"),
    ],
    ids=str,
)
def test_what_cannot_be_played_beside_is_refused(shell, presets, words, message):
    done = shell.run("search", *words)

    assert done.code == 1
    assert message in done.err


def test_what_is_near_to_a_sound_that_is_not_wanted_is_no_hit(shell, presets, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.cli.search._NEAR", 0.9)  # of the plain ear, for which sine and saw are 0.8 near
    write_presets("sines.json", saws([0.4, 1.0], wave="sine"))
    shell.run("presets", "import", "sines.json")

    assert found(shell, "long") == ["3", "tone:2", "5", "2", "4", "tone:1", "1"]
    assert found(shell, "long", "--unlike", "5") == ["3", "tone:2", "2", "tone:1", "1"]
    assert set(found(shell, "--like", "2", "--unlike", "3", "--in", "library")) == {"4", "5"}
    assert found(shell, "long", "--unlike", "5", "--unlike", "3") == []


def test_what_nobody_has_listened_to_may_be_like_what_is_not_wanted(shell):
    write_presets("mine.json", saws([0.1, 0.8]))
    shell.run("presets", "import", "mine.json", "--no-vectors")

    assert found(shell, "saw", "--in", "library") == ["1", "2"]
    assert found(shell, "saw", "--in", "library", "--unlike", "tone:1") == []


def test_hits_are_written_to_a_file_and_exported_by_their_numbers(shell, presets):
    written = shell.run("search", "long", "--limit", "2", "-o", "found.json")
    exported = shell.run("presets", "export", "3", "tone:2", "-o", "same.json")

    assert (written.code, exported.code) == (0, 0)
    assert written.out.endswith("found.json  2 presets\n")
    assert [preset.name for preset in read_presets("found.json").presets] == ["saw 2", "saw 1.5"]
    assert read_presets("found.json").presets == read_presets("same.json").presets
    assert "Us" in shell.run("presets", "show", "tone:2").out


@pytest.mark.parametrize("words", [["long"], ["--like", "tone:1"]], ids=str)
def test_that_nobody_has_listened_to_any_is_said(shell, words):
    write_presets("mine.json", saws([0.1, 0.8]))
    shell.run("presets", "import", "mine.json", "--no-vectors")

    done = shell.run("search", *words, "--in", "library")

    assert (done.code, done.out) == (0, "")
    assert "none of these presets was listened to, or all are silent. To listen: patchflow presets listen" in done.err
    assert "no preset has all of this at once" not in done.err


def test_a_search_without_a_hit_says_what_there_is(shell, presets):
    done = shell.run("search", "xqz", "--tag", "mnie")

    assert (done.code, done.out) == (0, "")
    assert "not understood, so looked for in names, tags and files: 'xqz'\n" in done.err
    assert "no preset has the tag 'mnie'. Did you mean 'mine'? Tags there are: mine.\n" in done.err
    assert "no preset has 'xqz'." in done.err
    assert not Path("found.json").exists()


def test_words_that_contradict_each_other_are_said(shell, presets):
    done = shell.run("search", "long", "short")

    assert done.code == 0
    assert done.err == "understood as long; short\nlong and short: both cannot be\n"
    content = json.loads(shell.run("search", "long", "short", "--json").out)
    assert content["remarks"] == ["long and short: both cannot be"]


def test_an_impossible_limit_is_refused_before_the_library_is_read(shell, library):
    library.write_bytes(b"no library")

    done = shell.run("search", "long", "--limit", "0")

    assert (done.code, done.err) == (1, "patchflow: limit=0: not 1 or more\n")


def test_many_words_that_nobody_knows_are_one_line(shell, presets):
    done = shell.run("search", *[f"word{i}" for i in range(10_000)])

    assert (done.code, done.out) == (0, "")
    assert "'word9' and 9,990 more\n" in done.err
    assert len(done.err.splitlines()) == 6


def test_without_a_library_the_bank_alone_is_searched(shell, library):
    done = shell.run("search", "long")

    assert done.out.startswith("tone:2  saw 1.5")
    assert "no library yet (make one with: patchflow presets import PATH)" in done.err
    assert not library.exists()
    alone = shell.run("search", "long", "--in", "library")
    assert (alone.code, alone.out) == (1, "")
    assert alone.err.startswith(f"patchflow: there is no preset library at {library}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to look for: give words, a sound with --like, or an option such as --tag"),
        (["long", "--in", "cloud"], "in='cloud': not one of both, library, bank"),
        (["long", "--limit", "0"], "limit=0: not 1 or more"),
        (["--tag", "mine or"], "'mine or': something is missing beside 'and', 'or' or 'not'"),
        (["--like", "gone.wav"], "cannot read gone.wav: no such file or directory"),
        (["--like", "99"], "no preset named '99'. Known: numbers up to 3."),
        (["--like", "mine.json"], "mine.json: has 3 voices. Choose one with --voice, 1 to 3, or as mine.json:1"),
        (["--like", "mine.json:9"], "voice=9: mine.json has 3 voices"),
        (["--like", "text.bin"], "text.bin: "),
        (["--like", "silence.wav"], "silence.wav is silent"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_line(shell, presets, words, message):
    (shell.folder / "text.bin").write_text("not a preset, not a sound")
    shell.save("silence.wav", np.zeros(44_100, np.float32))

    done = shell.run("search", *words)

    assert done.code in (1, 2)
    assert done.out == ""
    assert done.err.splitlines()[-1].startswith(f"patchflow: {message}")


def test_a_preset_that_is_silent_is_like_nothing(shell, presets, monkeypatch):
    monkeypatch.setattr(PlainEar, "embed", lambda self, sounds, rate: np.zeros((len(sounds), 128), np.float32))

    done = shell.run("search", "--like", "mine.json:1")

    assert (done.code, done.err.splitlines()[-1]) == (1, "patchflow: mine.json:1: silent, and nothing is like silence")


def test_an_import_without_vectors_is_found_by_name_and_says_how_to_go_on(shell, library):
    write_presets("mine.json", saws([0.1, 0.8]))
    shell.run("presets", "import", "mine.json", "--no-vectors")

    done = shell.run("search", "saw 0.8", "--in", "library")
    listened = shell.run("presets", "listen", "--json")
    again = shell.run("presets", "listen")

    assert done.out.startswith("2  saw 0.8")
    assert "nobody has listened to 2 of 2 presets of the library yet" in done.err
    assert json.loads(listened.out) == {"count": 2, "left_out": 0, "elsewhere": False}
    assert again.out == "listened to 0 presets\n"
    assert "nobody has listened" not in shell.run("search", "saw 0.8").err


def test_an_import_listens_to_what_is_new_alone(shell, library):
    write_presets("old.json", saws([0.1, 0.8]))
    write_presets("new.json", saws([0.1, 0.3]))
    shell.run("presets", "import", "old.json", "--no-vectors")

    shell.run("presets", "import", "new.json")

    assert shell.run("presets", "listen").out == "listened to 2 presets\n"


def test_an_interrupted_import_has_all_presets_and_says_how_to_go_on(shell, library, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    write_presets("mine.json", saws([0.1, 0.8]))
    with monkeypatch.context() as patch:
        patch.setattr("patchflow.ear.preset_vectors", stop)
        done = shell.run("presets", "import", "mine.json")

    assert done.code == 130
    assert done.out == "2 new presets, 0 already there\n"
    assert "Go on with: patchflow presets listen" in done.err
    assert shell.run("presets", "listen").out == "listened to 2 presets\n"


def test_a_library_of_an_older_version_is_searched_without_a_change(shell, library, presets):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(library)) as connection:
        connection.execute("DROP TABLE sound")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    before = library.read_bytes()

    done = shell.run("search", "saw 0.8", "--in", "library")

    assert done.out.startswith("2  saw 0.8")
    assert library.read_bytes() == before
    upgraded = shell.run("presets", "listen")
    assert upgraded.out == "listened to 3 presets\n"
    copy = library.with_name("library.version-3.sqlite")
    assert f"now of version 4; as it was before it is kept in {copy}" in upgraded.err
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_what_was_called_search_lists_names(shell, presets):
    assert shell.run("presets", "search", "saw 2").out == shell.run("presets", "list", "saw 2").out
    assert "patchflow search" in shell.run("presets", "list", "--help").out
    assert "patchflow presets list" in " ".join(shell.run("search", "--help").out.split())


def test_a_search_by_words_alone_does_not_import_torch(shell, presets):
    code = "import sys; from patchflow.cli import run; print(run(['search', 'warm pad']), 'torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8")

    assert done.stdout.splitlines()[-1] == "0 False"
    assert "understood as warm: low brightness" in done.stderr
