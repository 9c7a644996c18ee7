"""The index of very many vectors."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.browse import Shelf, find
from patchflow.browse import shelf as shelves
from patchflow.browse.index import Index
from patchflow.browse.shelf import MEASURED, WIDTH
from patchflow.engines import engines
from patchflow.presets import Library
from tests import plain_ear
from tests.plain_ear import PlainEar, listened_to, saws

pytest.importorskip("voyager", reason="the package voyager is not installed: pip install 'patchflow[index]'")

EAR = "0" * 16
COUNT = 400


def vectors(count: int = COUNT, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def ids(count: int = COUNT) -> np.ndarray:
    return np.arange(count) * 3 + 1


def opened(path: Path, numbers: np.ndarray, of_them: np.ndarray, ear: str = EAR) -> tuple[Index, list[str], float]:
    """The index, what was said, and how many vectors had to be added."""
    told: list[str] = []
    added: list[float] = []
    index = Index.opened(path, ear, numbers, of_them, tell=told.append, progress=lambda seen: added.append(seen.total))
    assert index is not None
    return index, told, added[-1]


def are_found(index: Index, of_them: np.ndarray) -> bool:
    """Whether every vector is the nearest to itself."""
    return all(row in index.nearest(vector, 1) for row, vector in enumerate(of_them))


def test_an_index_is_made_and_then_read(tmp_path: Path):
    path = tmp_path / "library.index"

    made, told, added = opened(path, ids(), vectors())
    read, told_then, added_then = opened(path, ids(), vectors())

    assert (told, added, told_then, added_then) == ([], COUNT, [], 0)
    assert are_found(made, vectors())
    assert are_found(read, vectors())
    assert len(read) == COUNT


def test_what_is_new_is_added_and_what_is_gone_is_not_found(tmp_path: Path):
    path = tmp_path / "library.index"
    opened(path, ids(300), vectors()[:300])

    index, told, added = opened(path, ids()[5:], vectors()[5:])

    assert (told, added) == ([], 100)
    assert are_found(index, vectors()[5:])
    assert set(index.nearest(vectors()[0], 40).tolist()) <= set(range(395))
    assert opened(path, ids()[5:], vectors()[5:])[2] == 0
    # and made anew where most of what it has is gone
    assert opened(path, ids()[300:], vectors()[300:])[2] == 100


@pytest.mark.parametrize("same", [0, 350])
def test_an_index_of_another_library_is_made_anew(tmp_path: Path, same: int):
    path = tmp_path / "library.index"
    opened(path, ids(), vectors())
    others = vectors(seed=1)
    others[:same] = vectors()[:same]

    index, told, added = opened(path, ids(), others)

    assert (told, added) == ([f"{path}: of another library. The index is made anew."], COUNT)
    assert are_found(index, others)


def test_presets_without_a_sound_are_not_in_it(tmp_path: Path):
    some = vectors()
    some[10:20] = 0

    index, _, added = opened(tmp_path / "library.index", ids(), some)

    assert added == COUNT - 10
    assert not set(range(10, 20)) & set(index.nearest(vectors()[10], 20).tolist())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-100], "damaged"),
        (lambda data: data[:10], "damaged"),
        (lambda data: b"", "damaged"),
        (lambda data: data[:5_000] + b"x" + data[5_001:], "damaged"),
        (lambda data: b"[1]\n" + data, "damaged"),
        (lambda data: data.replace(b"index 1", b"index 9", 1), "of another version"),
        (lambda data: data.replace(EAR.encode(), b"f" * 16, 1), "of another ear"),
    ],
    ids=["cut off", "no header", "empty", "changed", "another header", "version", "ear"],
)
def test_a_file_that_is_not_right_is_made_anew_with_a_line(tmp_path: Path, damage, said: str):
    path = tmp_path / "library.index"
    opened(path, ids(), vectors())
    path.write_bytes(damage(path.read_bytes()))

    index, told, added = opened(path, ids(), vectors())

    assert (told, added) == ([f"{path}: {said}. The index is made anew."], COUNT)
    assert are_found(index, vectors())
    assert opened(path, ids(), vectors())[1:] == ([], 0)


def test_an_index_that_cannot_be_kept_is_used_and_said(tmp_path: Path):
    path = tmp_path / "gone" / "library.index"
    (tmp_path / "gone").write_text("a file")

    index, told, _ = opened(path, ids(), vectors())

    assert are_found(index, vectors())
    assert any("the index is not kept, and will be made again" in line for line in told)


def test_a_large_library_has_one_and_finds_the_same(library: Library, ear: None, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch, bank=saws([0.33, 1.5], wave="sine"))
    library.add(saws(np.linspace(0.05, 1.9, 60).round(4).tolist()), lambda synth: engines[synth].space)
    library.keep_sounds(PlainEar.version, range(1, 61), vectors(60), np.zeros((60, MEASURED)))
    exact = Shelf.joined([Shelf.of_library(library), Shelf.embedded("tone")])
    monkeypatch.setattr(shelves, "INDEXED_FROM", 50)

    indexed = Shelf.joined([Shelf.of_library(library), Shelf.embedded("tone")])

    assert exact.index is None
    assert indexed.index is not None
    assert library.path.with_name("library.sqlite.index").exists()
    for row in (0, 30, 59, 60, 61):
        like = exact.vectors[row]
        assert [hit.number for hit in find(indexed, like=like, limit=5)] == [
            hit.number for hit in find(exact, like=like, limit=5)
        ]


def test_without_the_package_all_are_compared(library: Library, ear: None, monkeypatch: pytest.MonkeyPatch):
    library.add(saws([0.1, 0.5]), lambda synth: engines[synth].space)
    listened_to(library)
    monkeypatch.setattr(shelves, "INDEXED_FROM", 1)
    monkeypatch.setitem(__import__("sys").modules, "voyager", None)
    told: list[str] = []

    found = Shelf.of_library(library, tell=told.append)

    assert found.index is None
    (line,) = told
    assert line.startswith("all 2 presets are compared, which is slower than an index: an index needs the package 'voy")
