"""The making of a data set: whatever interrupts it, the finished folder is the same to the byte."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import patchflow
from patchflow.data.dataset import DatasetRecipe
from patchflow.errors import PresetError, StorageError, UnknownName
from patchflow.presets import Preset, write_presets
from patchflow.progress import Progress

ROOT = Path(patchflow.__file__).parents[1]


@pytest.fixture
def whole(recipe, make, contents, tmp_path: Path) -> dict[str, str]:
    """What an uninterrupted run leaves behind."""
    make(recipe(), tmp_path / "whole")
    return contents(tmp_path / "whole")


@pytest.fixture
def toml(recipe, tones: Path) -> Path:
    """The recipe as a file."""
    values = {name: value for name, value in recipe().plain_values().items() if value not in ("", [])}
    path = tones.with_name("r.toml")
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()))
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few hundred kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(folder)]
    if sys.platform != "linux" or os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root on Linux may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "patchflow", "dataset", *map(str, words)]


def run(*words: object, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


def test_the_same_recipe_makes_the_same_bytes_with_any_number_of_threads(recipe, make, contents, whole, tmp_path: Path):
    from patchflow.data.dataset.executors import executors
    from patchflow.data.dataset.make_dataset import make_dataset

    with executors["local"](1) as executor:
        make_dataset(recipe(), tmp_path / "again", executor)

    assert contents(tmp_path / "again") == whole


def test_nothing_of_the_making_is_left(whole: dict[str, str]):
    small = {"README.md", "checksums.sha256", "counts.json", "families.npy", "recipe.json", "space.json"}

    assert set(whole) == small | {f"data/train-{shard:05}-of-00003.parquet" for shard in range(3)}


@pytest.mark.parametrize(
    "stop",
    [Progress("render", 8, 40), Progress("render", 32, 40), Progress("relate", 100, 100), Progress("write", 1, 3),
     Progress("write", 3, 3)],
    ids=lambda state: f"{state.stage} {state.done}",
)  # fmt: skip
def test_it_goes_on_after_ctrl_c(stop: Progress, recipe, make, contents, whole, tmp_path: Path):
    def interrupt(state: Progress) -> None:
        if (state.stage, state.done) == (stop.stage, stop.done):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(recipe(), tmp_path / "parts", progress=interrupt)
    make(recipe(), tmp_path / "parts")

    assert contents(tmp_path / "parts") == whole


def test_what_is_done_is_not_done_again(recipe, make, tmp_path: Path):
    def interrupt(state: Progress) -> None:
        if (state.stage, state.done) == ("render", 40):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(recipe(), tmp_path / "parts", progress=interrupt)

    assert make(recipe(), tmp_path / "parts").rendered == 8
    assert make(recipe(), tmp_path / "parts").rendered == 0


@pytest.mark.slow
def test_it_goes_on_after_kill_9_at_any_file(contents, whole, toml: Path, tmp_path: Path):
    for rename in (1, 2, 1, 3, 2, 3, 2, 1, 1):  # recipe, parts, families and counts, shards, small files, checksums
        words = [sys.executable, str(Path(__file__).with_name("killed.py")), str(toml), str(tmp_path / "parts")]
        done = subprocess.run(
            [*words, str(rename)], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert run(toml, "-o", tmp_path / "parts").returncode == 0

    assert contents(tmp_path / "parts") == whole


@pytest.mark.slow
def test_it_goes_on_after_kill_9_from_outside(contents, whole, toml: Path, tmp_path: Path):
    for parts in (1, 2):
        with subprocess.Popen(command(toml, "-o", tmp_path / "parts"), cwd=ROOT) as process:
            while len(list((tmp_path / "parts" / ".work").glob("part-*"))) < parts and process.poll() is None:
                time.sleep(0.002)
            process.kill()
    assert run(toml, "-o", tmp_path / "parts").returncode == 0

    assert contents(tmp_path / "parts") == whole


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_it_goes_on_when_there_is_room(contents, whole, toml: Path, small_disk: Path):
    done = run(toml, "-o", small_disk / "set")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("patchflow: cannot write ")
    assert done.stderr.endswith("no space left on device\n")

    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert run(toml, "-o", small_disk / "set").returncode == 0

    assert contents(small_disk / "set") == whole


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of the size of files")
def test_a_file_that_may_not_grow_is_one_line_and_it_goes_on_afterwards(contents, whole, toml: Path, tmp_path: Path):
    import resource  # which Windows has not

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = run(toml, "-o", tmp_path / "parts", preexec_fn=limit)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("patchflow: cannot write ")
    assert done.stderr.endswith("file too large\n")
    assert run(toml, "-o", tmp_path / "parts").returncode == 0

    assert contents(tmp_path / "parts") == whole


def test_a_second_one_on_the_same_folder_is_refused_and_the_first_is_not_disturbed(
    recipe, make, contents, whole, tmp_path: Path
):
    refusals = []

    def again(state: Progress) -> None:
        if not refusals:
            with pytest.raises(StorageError, match="another process is working on it") as caught:
                make(recipe(), tmp_path / "parts")
            refusals.append(caught.value)

    make(recipe(), tmp_path / "parts", progress=again)

    assert contents(tmp_path / "parts") == whole
    assert refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"seed": 4}, "seed=3, not 4"), ({"items": 41}, "items=40, not 41"), ({"pitch": (50, 60)}, "pitch=")],
)
def test_another_recipe_is_refused(changes: dict[str, object], message: str, recipe, make, tmp_path: Path):
    make(recipe(), tmp_path / "set")

    with pytest.raises(StorageError, match=f"holds a data set of {message}"):
        make(recipe(**changes), tmp_path / "set")


def test_other_presets_under_the_same_name_are_refused(recipe, make, tones: Path, tmp_path: Path):
    make(recipe(), tmp_path / "set")
    write_presets(tones, [Preset("tone", {"wave": "saw", "decay": 1.0, "gain": 0.0})])

    with pytest.raises(StorageError, match="holds a data set of count=4, not 1"):
        make(recipe(), tmp_path / "set")


def test_a_folder_with_something_else_is_refused_and_left_alone(recipe, make, tmp_path: Path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.txt").write_text("all of it")

    with pytest.raises(StorageError, match="not empty and holds no data set"):
        make(recipe(), tmp_path / "set")

    assert [file.name for file in (tmp_path / "set").iterdir()] == ["thesis.txt"]


def test_a_damaged_part_is_named(recipe, make, tmp_path: Path):
    def interrupt(state: Progress) -> None:
        if state.stage == "relate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(recipe(), tmp_path / "set", progress=interrupt)
    part = tmp_path / "set" / ".work" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-100])

    with pytest.raises(StorageError, match=r"part-00001\.parquet: .*damaged"):
        make(recipe(), tmp_path / "set")


def test_a_set_without_any_sound_is_refused_with_the_reason(recipe, make, tmp_path: Path):
    with pytest.raises(PresetError, match=r"no sound is left \(40 drawn, 40 silent\)"):
        make(recipe(silence_db=0.0), tmp_path / "set")


def test_an_unknown_synth_is_named(make, tmp_path: Path):
    with pytest.raises(UnknownName, match="no synth named 'tune'. Did you mean 'tone'?"):
        make(DatasetRecipe("tune", plain=0, crossed=0, jittered=0), tmp_path / "set")


def test_progress_counts_what_is_done(recipe, make, tmp_path: Path):
    states: list[Progress] = []

    make(recipe(), tmp_path / "set", progress=states.append)

    assert [state.done for state in states if state.stage == "render"] == list(range(0, 41, 8))
    assert [(state.done, state.total) for state in states if state.stage == "write"] == [(1, 3), (2, 3), (3, 3)]
