"""A match of several synths: one ranking, each candidate in the format of its own synth."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import Sound
from patchflow.engines import Note, engines
from patchflow.errors import EngineError
from patchflow.lv2 import Lv2Preset
from patchflow.match import Candidate, MatchResult
from patchflow.match.output import writer
from patchflow.match.output.drawing import Panel
from patchflow.match.output.names import OutputNames, choose_names
from patchflow.match.output.writer import Report, Writer
from patchflow.match.target import prepare_target
from patchflow.presets import Preset, read_presets
from patchflow.presets.formats.ttl import Ttl

NOTE = Note(69, 100, 0.3, 0.4)
TONE = {"wave": "sine", "decay": 0.2, "gain": -9.0}
DEALT = {"dexed": {"renders": 20, "distance": 2.5}, "tone": {"renders": 10, "distance": 0.5}}
KIND = "wavetable of the sound"


@pytest.fixture(autouse=True)
def panels(monkeypatch: pytest.MonkeyPatch) -> list[Panel]:
    """What pictures would show: to draw them takes longer than all else here."""
    shown: list[Panel] = []

    def begin_drawing(panels: Sequence[Panel], _: int) -> Callable[[], bytes]:
        shown.extend(panels)
        return lambda: b"PNG"

    monkeypatch.setattr(writer, "begin_drawing", begin_drawing)
    return shown


def candidate(synth: str, kind: str = "", **values: object) -> Candidate:
    """A candidate that the search found, with the sound that it heard."""
    space = engines[synth].space
    full = {**(TONE if synth == "tone" else space.decode(space.default())), **values}
    sound = engines[synth]().render(space.encode(full), NOTE, 22_050)
    preset = Preset(synth, full)
    return Candidate(preset, space.encode(full), NOTE, {"perceptual": 1.0}, 1, 0.1, sound, kind=kind)


def result_of(*candidates: Candidate) -> MatchResult:
    """The result of a search that found these for what the tone engine plays."""
    sound = engines["tone"]().render(engines["tone"].space.encode(TONE), NOTE, 44_100)
    target = prepare_target(Sound(sound, 44_100))
    synths = tuple(dict.fromkeys(each.preset.synth for each in candidates))
    return MatchResult(target, candidates, {}, 30, 0.5, synths=synths, dealt=DEALT)


def mixed() -> MatchResult:
    return result_of(candidate("dexed"), candidate("tone", KIND), candidate("dexed", algorithm="3"))


def write(folder: Path, *results: MatchResult, synths: Sequence[str] = ("dexed", "tone")) -> list[Report]:
    """Writes results for `a.wav`, `b.wav` and so on."""
    folder.mkdir(exist_ok=True)
    own = Writer(synths, bank=len(results) > 1)
    sounds = [Path(f"{letter}.wav") for letter in "abc"[: len(results)]]
    names = choose_names(sounds, folder, own.extensions, 4)
    return [own.write(*parts) for parts in zip(results, sounds, names, strict=True)]


def numbers(folder: Path, name: str = "a.json") -> dict:
    return json.loads((folder / name).read_text())


def test_ranks_count_over_all_synths(tmp_path: Path):
    (report,) = write(tmp_path, mixed())

    assert [path.name for path in report.names.presets] == ["a.preset.json", "a-2.syx", "a-3.syx"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.preset.json", "a-2.syx", "a-3.syx", "a.wav", "a-2.wav", "a-3.wav", "a-ab.wav", "a.png", "a.json",
    }  # fmt: skip


def test_the_numbers_name_the_synth_and_the_kind_of_each(tmp_path: Path):
    write(tmp_path, mixed())
    found = numbers(tmp_path)

    assert (found["synth"], found["synths"], found["dealt"]) == ("tone", ["dexed", "tone"], DEALT)
    assert [(each["synth"], each["kind"]) for each in found["candidates"]] == [
        ("tone", KIND), ("dexed", None), ("dexed", None),
    ]  # fmt: skip
    assert set(found["candidates"][0]["parameters"]) == set(TONE)


def test_each_file_sounds_like_what_is_written_beside_it(tmp_path: Path):
    write(tmp_path, mixed())

    for each in numbers(tmp_path)["candidates"]:
        (preset,) = read_presets(tmp_path / each["preset"]).presets
        written, rate = soundfile.read(tmp_path / each["audio"])
        engine = engines[preset.synth]()
        sound = engine.render(engine.space.encode(preset.values), NOTE, rate) * 10 ** (each["gain_db"] / 20)
        assert preset.synth == each["synth"]
        np.testing.assert_allclose(written, sound, atol=1e-3)


def test_the_picture_says_which_synth_plays_and_what_it_is_made_of(tmp_path: Path, panels: list[Panel]):
    write(tmp_path, mixed())
    target, best, second, _ = panels

    assert (target.title, target.details) == ("Target", ("A4",))
    assert (best.title, best.details[0]) == ("1 · the same", KIND)
    assert best.caption.endswith(" · on A4 · a.preset.json")
    assert second.details[0] == "dexed"


def test_the_picture_of_one_synth_does_not_repeat_its_name(tmp_path: Path, panels: list[Panel]):
    write(tmp_path, result_of(candidate("tone")))

    assert panels[1].details == ("in tune",)


def test_saving_a_result_writes_the_same_files(tmp_path: Path):
    write(tmp_path / "one", mixed())
    saved = mixed().save(tmp_path / "two", "a")

    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {path.name for path in saved} == names == {path.name for path in (tmp_path / "two").iterdir()}
    for name in names - {"a.json"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_presets_of_an_earlier_match_go_whatever_their_synth(tmp_path: Path):
    write(tmp_path, mixed())
    (tmp_path / "a-9.syx").write_bytes(b"mine")
    write(tmp_path, result_of(candidate("dexed", algorithm="5")))

    left = {path.name for path in tmp_path.iterdir() if path.suffix != ".wav"}
    assert left == {"a.syx", "a-9.syx", "a.png", "a.json"}


def test_presets_of_another_sound_stay(tmp_path: Path):
    write(tmp_path, mixed(), mixed())
    before = {path: path.read_bytes() for path in tmp_path.glob("b*")}
    write(tmp_path, result_of(candidate("dexed")))

    assert {path for path in before if path.suffix != ".json"} < set(tmp_path.glob("b*"))
    assert all(path.read_bytes() == data for path, data in before.items() if path.suffix != ".json")


def test_what_somebody_changed_stays(tmp_path: Path):
    write(tmp_path, mixed())
    (tmp_path / "a-3.syx").write_bytes(b"mine")
    write(tmp_path, result_of(candidate("tone")))

    assert (tmp_path / "a-3.syx").read_bytes() == b"mine"
    assert not (tmp_path / "a-2.syx").exists()


def test_every_format_with_banks_gets_one_of_the_best_of_its_synth(tmp_path: Path):
    only_dexed = result_of(candidate("dexed", algorithm="7"))
    write(tmp_path, mixed(), only_dexed, mixed())

    places = [[each["bank"] for each in numbers(tmp_path, f"{name}.json")["candidates"]] for name in "abc"]
    tones, voices = "patchflow-bank.preset.json", "patchflow-bank.syx"
    assert places == [
        [{"file": tones, "voice": 1}, {"file": voices, "voice": 1}, None],
        [{"file": voices, "voice": 2}],
        [{"file": tones, "voice": 2}, {"file": voices, "voice": 3}, None],
    ]
    assert numbers(tmp_path)["bank"] == {"file": tones, "voice": 1}
    assert len(read_presets(tmp_path / tones).presets) == 2
    assert read_presets(tmp_path / voices).presets[1].values["algorithm"] == "7"


def test_a_bank_that_begins_anew_is_named_by_no_earlier_result(tmp_path: Path):
    write(tmp_path, mixed(), mixed(), mixed())
    write(tmp_path, mixed(), result_of(candidate("tone")))

    found = numbers(tmp_path, "c.json")
    assert [each["bank"] for each in found["candidates"]] == [None, None, None]
    assert found["bank"] is None


def test_a_synth_that_is_lost_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def die(*_: object) -> None:
        raise EngineError("tone: died")

    result = mixed()
    monkeypatch.setattr(engines["tone"], "render", die)
    write(tmp_path, result)

    found = numbers(tmp_path)
    assert (found["stopped"], found["complete"]) == ("tone: died", False)
    assert {each["synth"] for each in found["candidates"]} == {"tone", "dexed"}


def test_a_lost_synth_of_which_nothing_was_kept_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def die(*_: object) -> None:
        raise EngineError("tone: died")

    result = mixed()
    forgotten = [replace(each, sound=None) for each in result.candidates]
    monkeypatch.setattr(engines["tone"], "render", die)
    write(tmp_path, replace(result, candidates=tuple(forgotten)))

    assert [each["synth"] for each in numbers(tmp_path)["candidates"]] == ["dexed", "dexed"]


def test_every_synth_that_cannot_be_started_is_named(monkeypatch: pytest.MonkeyPatch):
    def die(*_: object) -> None:
        raise EngineError("tone: died")

    monkeypatch.setattr(engines["tone"], "render", die)

    assert {name: str(error) for name, error in Writer(["dexed", "tone"]).start().items()} == {"tone": "tone: died"}


def test_how_sure_it_is_of_a_preset_that_no_search_went_on_from_is_not_known(tmp_path: Path):
    (alone,) = write(tmp_path / "a", result_of(candidate("tone")))
    (searched,) = write(tmp_path / "b", replace(result_of(candidate("tone")), uncertainty={"wave": 0.0, "gain": 0.25}))

    assert alone.summary["uncertainty"] is None
    assert searched.summary["uncertainty"] == {"wave": 0.0, "gain": 0.25}


def lv2_preset(name: str) -> bytes:
    """The file of a preset of an LV2 plug-in."""
    return Ttl().write([Preset("", {}, name=name, state=Lv2Preset("urn:mine", {"cutoff": 0.5}, name).pack())])


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_for_hosts_is_replaced_and_goes_with_the_presets_that_it_holds(tmp_path: Path):
    names = OutputNames(tmp_path, "a")
    best = lv2_preset("A")
    writer._write(names, {"a.ttl": best, "a-2.ttl": lv2_preset("B"), "a.json": b"1"}, gone=[])
    assert in_folder(tmp_path / "a.lv2") == {"a.ttl", "a-2.ttl", "manifest.ttl"}

    writer._write(names, {"a.ttl": best, "a.json": b"2"}, gone=["a-2.ttl"])
    assert in_folder(tmp_path / "a.lv2") == {"a.ttl", "manifest.ttl"}
    assert (tmp_path / "a.lv2" / "a.ttl").read_bytes() == best

    writer._write(names, {"a.syx": b"voice", "a.json": b"3"}, gone=["a.ttl"])
    assert in_folder(tmp_path) == {"a.syx", "a.json"}


def test_a_folder_for_hosts_stays_if_its_presets_do_or_anybody_has_changed_it(tmp_path: Path):
    names = OutputNames(tmp_path, "a")
    writer._write(names, {"a.ttl": lv2_preset("A"), "a.json": b"1"}, gone=[])
    writer._write(names, {"a.syx": b"voice", "a.json": b"2"}, gone=[])
    assert in_folder(tmp_path / "a.lv2") == {"a.ttl", "manifest.ttl"}

    (tmp_path / "a.lv2" / "mine.ttl").write_bytes(lv2_preset("Mine"))
    writer._write(names, {"a.syx": b"voice", "a.json": b"3"}, gone=["a.ttl"])

    assert in_folder(tmp_path) == {"a.syx", "a.json", "a.lv2"}
    assert in_folder(tmp_path / "a.lv2") == {"a.ttl", "mine.ttl", "manifest.ttl"}
