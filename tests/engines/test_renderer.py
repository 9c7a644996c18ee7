"""The renderer: order, laziness, one engine a thread, errors; and torch, which keeps to one thread meanwhile."""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from patchflow.engines import Engine, Note, Renderer, one_torch_thread, start_playing
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, PresetError

RATE = 8_000
NOTE = Note(hold=0.05, length=0.05)


def test_sounds_come_in_the_order_of_the_presets():
    points = np.random.default_rng(0).random((40, 3))
    notes = [Note(36 + i, 100, 0.01 + 0.001 * (i % 7), 0.05) for i in range(40)]
    with Renderer(Tone, threads=3) as renderer:
        sounds = renderer.render(points, notes, RATE)

    for sound, point, note in zip(sounds, points, notes, strict=True):
        np.testing.assert_array_equal(sound, Tone().render(point, note, RATE))


def test_a_list_of_another_length_is_refused():
    with Renderer(Tone, threads=1) as renderer, pytest.raises(ValueError, match="shorter"):
        renderer.render([Tone.space.default()] * 2, [NOTE], RATE)


def test_nothing_to_render_is_no_sound():
    with Renderer(Tone, threads=1) as renderer:
        assert renderer.render([], [], RATE) == []


def test_a_stream_reads_only_a_few_ahead():
    taken = 0

    def endless() -> Iterator[tuple[np.ndarray, Note]]:
        nonlocal taken
        while True:
            taken += 1
            yield Tone.space.default(), NOTE

    with Renderer(Tone, threads=2) as renderer:
        sounds = list(itertools.islice(renderer.stream(endless(), RATE), 10))

    assert len(sounds) == 10
    assert taken <= 10 + 4 * 2


def test_every_thread_keeps_one_engine_of_its_own():
    made: list[int] = []
    barrier = threading.Barrier(3, timeout=30)

    class Watched(Tone):
        def __init__(self) -> None:
            made.append(threading.get_ident())
            barrier.wait()

        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            assert threading.get_ident() in made
            return super().render(point, note, rate)

    with Renderer(Watched, threads=3) as renderer:
        renderer.render([Tone.space.default()] * 30, [NOTE] * 30, RATE)

    assert len(made) == len(set(made)) == 3


def test_an_engines_error_reaches_the_caller():
    class Broken(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            raise PresetError(f"cutoff={point[0]}")

    with Renderer(Broken, threads=2) as renderer, pytest.raises(PresetError, match=r"cutoff=0\.25"):
        renderer.render([Tone.space.default()], [NOTE], RATE)


def test_without_a_number_all_usable_cores_are_taken():
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()

    with Renderer(Tone) as renderer:
        assert renderer.threads == usable


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_number_of_threads_is_kept_on_every_system(platform: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", platform)

    with Renderer(Tone, threads=3) as renderer:
        assert renderer.threads == 3


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_thread_is_refused(threads: int):
    with pytest.raises(ValueError, match=f"threads={threads}"):
        Renderer(Tone, threads=threads)


def test_each_thread_does_its_work_once_with_its_own_engine():
    with Renderer(Tone, threads=3) as renderer:
        assert len(set(renderer.each(id))) == 3
        assert set(renderer.each(id)) == set(renderer.each(id))


def test_an_engine_that_cannot_be_made_is_an_error_on_each_thread_and_none_waits():
    def make() -> Engine:
        raise EngineError("no")

    with Renderer(make, threads=3) as renderer, pytest.raises(EngineError, match="no"):
        renderer.each(id)


def test_a_synth_that_is_started_has_played_on_every_thread():
    played: list[tuple[str, int]] = []

    class Watched(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            played.append((threading.current_thread().name, rate))
            return super().render(point, note, rate)

    renderer, ready = start_playing(Watched, 8_000)

    assert ready.result(60) is None
    assert len({thread for thread, _ in played}) == len(played) == renderer.threads
    assert {rate for _, rate in played} == {8_000}
    renderer.close()


def test_a_synth_that_cannot_be_started_fails_where_it_is_waited_for():
    class Broken(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            raise EngineError("broken: no such file")

    renderer, ready = start_playing(Broken, 8_000)

    with pytest.raises(EngineError, match="broken: no such file"):
        ready.result(60)
    renderer.close()


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_torch_has_one_thread_within_and_as_many_as_before_after():
    with one_torch_thread():
        within = torch.get_num_threads()

    assert (within, torch.get_num_threads()) == (1, 3)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_threads_are_given_back_after_an_error(error: type[BaseException]):
    with pytest.raises(error), one_torch_thread():
        raise error

    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_one_within_another_changes_nothing():
    with one_torch_thread():
        with one_torch_thread():
            pass
        within = torch.get_num_threads()

    assert (within, torch.get_num_threads()) == (1, 3)


def test_importing_it_does_not_import_torch():
    code = "import sys, patchflow.engines._renderer; assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)
