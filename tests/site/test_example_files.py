"""Folders of examples: what is written is read again, and what cannot be shown is refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from patchflow.audio.loudness import loudness
from patchflow.audio.sound_file import load
from patchflow.errors import AudioError, StorageError

from .conftest import ROOT, build_site


@pytest.fixture
def examples(tiny_examples: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(tiny_examples, tmp_path / "examples"))


def test_what_is_written_is_read_again(examples: Path, sections: ModuleType, example_files: ModuleType):
    found = example_files.read_examples(examples)

    assert set(found) == set(sections.SECTIONS)
    ((folder, macros),) = found["macros"]
    assert folder == examples / "macros"
    assert [step.at for step in macros.macros[0].steps] == [-1.0, 0.0, 1.0]
    example_files.write_about(folder, macros)
    assert example_files.read_examples(examples)["macros"] == ((folder, macros),)


@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_every_sound_is_as_loud_as_the_others(gain: float, tmp_path: Path, example_files: ModuleType):
    noise = gain * np.random.default_rng(0).standard_normal(44_100)

    example_files.write_clip(tmp_path / "noise.mp3", noise, 44_100, "noise")

    sound = load(tmp_path / "noise.mp3")
    assert loudness(sound.samples, sound.rate) == pytest.approx(example_files.LOUDNESS_LUFS, abs=0.5)


@pytest.mark.parametrize(("name", "level", "says"), [("a.mp3", 0.0, "hum is silent"), ("a.wav", 0.5, "end in .mp3")])
def test_a_sound_that_nobody_could_hear_is_not_written(
    name: str, level: float, says: str, tmp_path: Path, example_files: ModuleType
):
    with pytest.raises(AudioError, match=says):
        example_files.write_clip(tmp_path / name, np.full(1_000, level), 44_100, "hum")

    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_no_examples(tmp_path: Path, example_files: ModuleType):
    assert example_files.read_examples(tmp_path / "nothing") == {}


def _other_version(about: dict[str, Any]) -> None:
    about["version"] = 99


def _no_version(about: dict[str, Any]) -> None:
    del about["version"]


def _other_section(about: dict[str, Any]) -> None:
    about["section"] = "poems"


def _a_field_less(about: dict[str, Any]) -> None:
    del about["sounds"][0]["original"]["label"]


def _a_field_more(about: dict[str, Any]) -> None:
    about["sounds"][0]["colour"] = "blue"


def _a_text_for_a_number(about: dict[str, Any]) -> None:
    about["sounds"][0]["attempts"][0]["distance_db"] = "near"


def _a_yes_for_a_number(about: dict[str, Any]) -> None:
    about["sounds"][0]["attempts"][0]["distance_db"] = True


def _a_table_for_a_list(about: dict[str, Any]) -> None:
    about["sounds"] = {}


def _a_file_elsewhere(about: dict[str, Any]) -> None:
    about["sounds"][0]["original"]["file"] = "../macros/about.json"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_other_version, "version=99: not 1; make the examples again."),
        (_no_version, "version=None: not 1"),
        (_other_section, "section='poems': not one of reconstruction, macros"),
        (_a_field_less, "sounds[0]: original: lacks 'label'."),
        (_a_field_more, "sounds[0]: has 'colour', which Sound does not know."),
        (_a_text_for_a_number, "attempts[0]: distance_db: 'near' is not a number."),
        (_a_yes_for_a_number, "attempts[0]: distance_db: True is not a number."),
        (_a_table_for_a_list, "sounds: {} is not a list."),
        (_a_file_elsewhere, "names '../macros/about.json', and there is no such file beside it."),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    spoil: Callable[[dict[str, Any]], None], says: str, examples: Path, example_files: ModuleType
):
    file = examples / "reconstruction" / "about.json"
    about = json.loads(file.read_text("utf-8"))
    spoil(about)
    file.write_text(json.dumps(about), "utf-8")

    with pytest.raises(StorageError) as error:
        example_files.read_examples(examples)

    assert says in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_sound_is_named(examples: Path, example_files: ModuleType):
    sound = next((examples / "sketches").glob("*.mp3"))
    sound.unlink()

    with pytest.raises(StorageError, match=f"names '{sound.name}', and there is no such file"):
        example_files.read_examples(examples)


def test_a_folder_without_its_file_is_named(examples: Path, example_files: ModuleType):
    (examples / "empty").mkdir()

    with pytest.raises(StorageError, match=r"empty: has no about\.json"):
        example_files.read_examples(examples)


def test_what_the_site_could_not_show_is_not_written(tmp_path: Path, sections: ModuleType, example_files: ModuleType):
    lost = sections.Variations("tone", "A", sections.Clip("lost.mp3", "lost"), {}, ())

    with pytest.raises(StorageError, match=r"lost\.mp3"):
        example_files.write_about(tmp_path, lost)

    assert list(tmp_path.iterdir()) == []


def test_the_committed_examples_can_be_read(example_files: ModuleType):
    found = example_files.read_examples(ROOT / "site" / "examples")

    assert {"reconstruction", "macros", "semantics", "out_of_domain"} <= set(found)


def test_every_recording_has_its_credit(example_files: ModuleType):
    found = example_files.read_examples(ROOT / "site" / "examples")

    for _, section in found["out_of_domain"]:
        assert [sound.name for sound in section.sounds if not sound.credit] == []


def test_the_committed_examples_are_small():
    sizes = [path.stat().st_size for path in (ROOT / "site" / "examples").rglob("*") if path.is_file()]

    assert sum(sizes) < 40e6


@pytest.mark.slow
def test_a_section_without_examples_stops_the_build(examples: Path, tmp_path: Path):
    pytest.importorskip("sphinx")
    shutil.rmtree(examples / "sketches")

    done = build_site(examples, tmp_path / "site", "--no-reference")

    assert done.returncode == 1
    assert done.stderr == f"site: {examples}: no examples for sketches; --allow-missing builds without them.\n"
    assert not (tmp_path / "site").exists()


@pytest.mark.slow
def test_what_is_no_site_is_not_overwritten(examples: Path, tmp_path: Path):
    pytest.importorskip("sphinx")
    (tmp_path / "thesis.txt").write_text("mine")

    done = build_site(examples, tmp_path, "--no-reference")

    assert done.returncode == 1
    assert done.stderr == f"site: {tmp_path}: is not empty, and no site.\n"
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_loud_sound_stops_the_build(examples: Path, tmp_path: Path):
    pytest.importorskip("sphinx")
    import soundfile

    sound = next((examples / "reconstruction").glob("*.mp3"))
    samples, rate = soundfile.read(sound)
    soundfile.write(sound, samples * 2, rate, format="MP3")

    done = build_site(examples, tmp_path / "site", "--no-reference")

    assert done.returncode == 1
    assert f"{sound}: loudness -1" in done.stderr
    assert done.stderr.count("\n") == 1
