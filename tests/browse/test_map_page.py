"""The page of a map: what is in it, what is left out, and that names are data."""

import base64
import io
import json
import re
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from patchflow.browse.embedded import presets_called
from patchflow.browse.map_page import colour_of, write_map
from patchflow.browse.played import SOUND_RATE
from patchflow.browse.shelf import Shelf
from patchflow.ear import MEASURES
from patchflow.engines import engines
from patchflow.errors import OptionError, PresetError, RenderError, StorageError
from patchflow.presets import Entry, Label, Library, Preset
from patchflow.presets.formats import formats
from patchflow.progress import Progress

TONE = engines["tone"].space
EVIL = "</script><img src=x onerror=alert(1)>&amp;\x1b[2J\u202e"


def test_a_page_has_what_is_known_of_each_preset(tmp_path: Path):
    content = _written(tmp_path, _shelf(4), sounds=0)

    assert content["names"] == ["Sound 1", "Sound 2", "Sound 3", "Sound 4"]
    assert content["numbers"] == ["1", "2", "3", "4"]
    assert content["synths"]["names"] == ["tone"]
    assert [content["categories"]["names"][code] for code in _column(content["categories"]["of"], "<u2")] == [
        "Bass", "Pad", "Bass", "Pad",
    ]  # fmt: skip
    assert content["tags"] == {"names": ["warm", "odd"], "of": [[0], [0, 1], [0], [0, 1]]}
    assert _column(content["places"], "<f4").tolist() == [0, 0, 1, 1, 2, 4, 3, 9]


def test_attributes_come_back_as_they_were_measured(tmp_path: Path):
    shelf = _shelf(4)
    shelf.measures[:, 0] = [8, 9, 10, 11]

    content = _written(tmp_path, shelf, sounds=0)

    steps = _column(content["values"], "<u2").reshape(4, -1)
    brightness = content["measures"][0]
    known = brightness["least"] + (brightness["most"] - brightness["least"]) * steps[:, 0] / 65_534
    assert known == pytest.approx([8, 9, 10, 11], abs=1e-4)
    assert (steps[:, 1:] == 65_535).all()  # not measured


def test_names_are_data_and_never_part_of_the_page(tmp_path: Path):
    shelf = _shelf(1, name=EVIL)
    content = _written(tmp_path, shelf, sounds=0, title=EVIL)
    page = (tmp_path / "map.html").read_text("utf-8")

    assert "<img" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert content["names"] == ["</script><img src=x onerror=alert(1)>&amp;\\x1b[2J\\u202e"]
    assert "<title>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;" in page


def test_a_page_loads_nothing(tmp_path: Path):
    _written(tmp_path, _shelf(2), sounds=2)
    page = (tmp_path / "map.html").read_text("utf-8")

    assert not re.search(r"^(import|export)\b", page, re.M)
    assert not re.search(r"""(src|href)=["'](?!blob:)""", page)


def test_sounds_are_played_trimmed_and_equally_loud(tmp_path: Path):
    content = _written(tmp_path, _shelf(3), sounds=3, seconds=0.5)

    sounds = _sounds(tmp_path, content)
    assert len(sounds) == 3
    for data in sounds:
        samples, rate = soundfile.read(io.BytesIO(data))
        assert data[:3] == b"ID3" or data[0] == 0xFF  # MP3
        assert rate == SOUND_RATE
        assert 0.05 < len(samples) / rate <= 0.5
        assert 0.05 < np.abs(samples).max() < 1
    assert _column(content["sounds"]["of"], "<i4").tolist() == [0, 1, 2]


def test_a_preset_without_a_sound_is_heard_as_the_most_alike(tmp_path: Path):
    shelf = _shelf(4)  # the first two are alike, and the last two

    content = _written(tmp_path, shelf, sounds=2, seconds=0.3)

    heard = _column(content["sounds"]["of"], "<i4")
    assert heard[0] == heard[1] != heard[2] == heard[3]
    assert "2 of 4 presets have a sound of their own" in " ".join(content["notes"])


def test_a_preset_that_is_silent_after_all_is_heard_as_its_neighbour(tmp_path: Path):
    content = _written(tmp_path, _shelf(2), sounds=2, seconds=0.3, gains=[-60, -6])

    assert _column(content["sounds"]["presets"], "<u4").tolist() == [1]
    assert _column(content["sounds"]["of"], "<i4").tolist() == [0, 0]


def test_preset_files_are_those_that_the_format_writes(tmp_path: Path):
    content = _written(tmp_path, _shelf(2), sounds=0)

    starts = _column(content["presets"]["starts"], "<u4")
    text = _script(tmp_path, "presets")
    for row in range(2):
        data = zlib.decompress(base64.b64decode(text[starts[row] : starts[row + 1]]))
        assert data == formats["json"]().write([_preset(row + 1)])
    assert content["presets"]["endings"] == [".preset.json"]


def test_one_that_cannot_be_played_or_read_does_not_take_the_others_along(tmp_path: Path):
    shelf = _shelf(5)
    entries = [*shelf.entries[:4], Entry(5, "gone", (Label("Sound 5"),))]
    presets = _presets_of(["1", "2", "3", "4", "5"])
    presets["2"] = Preset("tone", {"op1.level": 3}, "of another version")
    del presets["3"]
    presets["5"] = Preset("gone", presets["5"].values)

    report = write_map(
        tmp_path / "map.html", replace(shelf, entries=entries), lambda _: presets, _where(5), seconds=0.3
    )  # fmt: skip

    content = _content(tmp_path)
    assert (report.presets, report.sounds, report.files, report.failed) == (5, 2, 2, 3)
    assert report.why
    assert len(content["names"]) == 5
    assert _column(content["sounds"]["presets"], "<u4").tolist() == [0, 3]
    assert np.diff(_column(content["presets"]["starts"], "<u4").astype(int)).astype(bool).tolist() == [
        True, False, False, True, False,
    ]  # fmt: skip
    assert "3 presets could not be played or written when this page was made." in content["notes"]


def test_a_synth_that_does_not_play_leaves_points_without_a_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> np.ndarray:
        raise RenderError("the synth has crashed")

    monkeypatch.setattr(engines["tone"], "render", refuse)

    report = write_map(tmp_path / "map.html", _shelf(2), _presets_of, _where(2), seconds=0.3)

    assert (report.presets, report.sounds, report.failed, report.why) == (2, 0, 2, "the synth has crashed")
    assert report.files == 2
    assert _column(_content(tmp_path)["sounds"]["of"], "<i4").tolist() == [-1, -1]


def test_presets_of_a_library_are_read_together_and_those_that_are_gone_are_not(tmp_path: Path):
    library = Library(tmp_path / "library.sqlite")
    library.add([_preset(1), _preset(2), _preset(1, -9)], lambda _: TONE)
    library.remove([2])

    found = presets_called(["1", "2", "3", "gone:1"], library)

    assert found == {"1": library.get(1), "3": library.get(3)}


def test_a_damaged_preset_of_a_library_is_left_out(tmp_path: Path):
    library = Library(tmp_path / "library.sqlite")
    library.add([_preset(1), _preset(2)], lambda _: TONE)
    with closing(sqlite3.connect(library.path)) as connection:
        connection.execute("UPDATE preset SET vector = 'text' WHERE id = 1")
        connection.commit()

    assert list(presets_called(["1", "2"], library)) == ["2"]


def test_presets_without_a_place_are_left_out_and_counted(tmp_path: Path):
    shelf = _shelf(3)
    where = _where(3)
    where[1] = np.nan

    report = write_map(tmp_path / "map.html", shelf, _presets_of, where, sounds=0)

    assert (report.presets, report.silent) == (2, 1)
    assert _content(tmp_path)["names"] == ["Sound 1", "Sound 3"]
    assert "1 presets without a sound" in " ".join(_content(tmp_path)["notes"])


@pytest.mark.parametrize(
    ("count", "why"), [(0, "there are none"), (1, "the only one is silent"), (3, "all 3 are silent")]
)
def test_a_map_of_nothing_is_refused(count: int, why: str, tmp_path: Path):
    with pytest.raises(PresetError, match=f"no preset to show: {why}"):
        write_map(tmp_path / "map.html", _shelf(count), _presets_of, np.full((count, 2), np.nan))

    assert list(tmp_path.iterdir()) == []


def test_all_sounds_go_to_a_folder_and_those_of_an_earlier_map_go(tmp_path: Path):
    folder = tmp_path / "map-sounds"
    folder.mkdir()
    for name in ("00007.mp3", "mine.txt"):
        (folder / name).write_bytes(b"of the user")

    def written(count: int) -> list[str]:
        report = write_map(
            tmp_path / "map.html", _shelf(count), _presets_of, _where(count), sounds=1, folder=True, seconds=0.3
        )  # fmt: skip
        assert report.folder == folder
        return sorted(file.name for file in folder.iterdir())

    assert written(3) == ["00000.mp3", "00001.mp3", "00002.mp3", "00007.mp3", "map-sounds.json", "mine.txt"]
    assert written(2) == ["00000.mp3", "00001.mp3", "00007.mp3", "map-sounds.json", "mine.txt"]
    assert (folder / "00007.mp3").read_bytes() == b"of the user"
    assert _content(tmp_path)["sounds"]["files"] == ["map-sounds/00000.mp3", "map-sounds/00001.mp3"]


def test_a_file_that_no_map_has_written_is_not_overwritten(tmp_path: Path):
    mine = tmp_path / "map-sounds" / "00001.mp3"
    mine.parent.mkdir()
    mine.write_bytes(b"of the user")

    with pytest.raises(StorageError, match=r"00001\.mp3: not of a map"):
        write_map(tmp_path / "map.html", _shelf(2), _presets_of, _where(2), folder=True, seconds=0.3)

    assert mine.read_bytes() == b"of the user"
    assert not (tmp_path / "map.html").exists()


def test_progress_counts_sounds(tmp_path: Path):
    told: list[Progress] = []

    _written(tmp_path, _shelf(3), sounds=3, seconds=0.3, progress=told.append)

    assert [(one.stage, one.done, one.total) for one in told] == [("render", 1, 3), ("render", 2, 3), ("render", 3, 3)]


def test_an_unknown_colour_is_refused_before_anything_is_played(tmp_path: Path):
    with pytest.raises(OptionError, match="colour=beauty: not one of category, synth"):
        write_map(tmp_path / "map.html", _shelf(1), _presets_of, _where(1), colour="beauty")


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match="is a folder"):
        write_map(tmp_path, _shelf(1), _presets_of, _where(1), sounds=0)


def test_an_attribute_is_a_column():
    assert colour_of(MEASURES[-1].name) == len(MEASURES) - 1


def _shelf(count: int, name: str = "") -> Shelf:
    entries = [_entry(number, name or f"Sound {number}") for number in range(1, count + 1)]
    angles = np.array([90 * (row // 2) + row for row in range(count)])
    vectors = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1).astype(np.float32)
    return Shelf(entries, vectors, np.full((count, len(MEASURES)), np.nan))


def _entry(number: int, name: str) -> Entry:
    tags = ("warm",) if number % 2 else ("odd", "warm")
    return Entry(number, "tone", (Label(name, "Bass" if number % 2 else "Pad", "Ann", tags),))


def _where(count: int) -> np.ndarray:
    return np.array([[row, row**2] for row in range(count)], float).reshape(count, 2)


def _preset(number: int, gain: float = -6.0) -> Preset:
    values = {"wave": "saw" if number % 2 else "sine", "decay": 0.3, "gain": gain}
    return Preset("tone", values, name=f"Sound {number}")


def _presets_of(numbers: Sequence[str]) -> dict[str, Preset]:
    return {number: _preset(int(number)) for number in numbers}


def _written(folder: Path, shelf: Shelf, gains: list[float] | None = None, **options: Any) -> dict[str, Any]:
    def presets_of(numbers: Sequence[str]) -> dict[str, Preset]:
        return {number: _preset(int(number), gains[int(number) - 1] if gains else -6.0) for number in numbers}

    write_map(folder / "map.html", shelf, presets_of, _where(len(shelf.entries)), **options)
    return _content(folder)


def _script(folder: Path, name: str) -> str:
    page = (folder / "map.html").read_text("utf-8")
    found = re.search(rf'<script type="[^"]*" class="{name}">(.*?)</script>', page, re.S)
    assert found
    return found[1]


def _content(folder: Path) -> dict[str, Any]:
    return json.loads(_script(folder, "map"))


def _column(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def _sounds(folder: Path, content: dict[str, Any]) -> list[bytes]:
    starts = _column(content["sounds"]["starts"], "<u4")
    text = _script(folder, "sounds")
    return [base64.b64decode(text[a:b]) for a, b in pairwise(starts)]
