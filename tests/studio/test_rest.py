"""What the studio lets go when nobody needs it any more: memory, processes, and what is kept in memory has bounds."""

import asyncio
import gc
import os
import platform
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from fastapi.testclient import TestClient

from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.explore.attribute_map import load_map
from patchflow.explore.macro_knobs import MacroKnobs
from patchflow.presets import Preset
from patchflow.presets.formats.vital import Vital
from patchflow.studio import StudioSettings, shape_routes
from patchflow.studio.desk import Desk
from patchflow.studio.guard import Quiet
from patchflow.studio.players import LastUsed, Players
from patchflow.studio.worker import give_memory_back
from tests.studio.hand import wait_until
from tests.vital_files import document, packed

PRESET = Preset("tone", Tone.space.decode(Tone.space.default()))
SHORT = Note(hold=0.1, length=0.1)


def test_what_is_kept_has_a_bound_in_bytes():
    kept: LastUsed[int, str] = LastUsed(most_bytes=100)
    for number in range(10):
        kept.put(number, "x", 30)
    kept.put(9, "y", 40)

    assert [kept.get(number) for number in range(10)] == [None] * 7 + ["x", "x", "y"]
    assert kept.total == 100


def test_what_was_used_stays_longer():
    kept: LastUsed[str, str] = LastUsed(most_bytes=100)
    for name in ("a", "b", "a", "c"):
        if kept.get(name) is None:
            kept.put(name, name, 50)

    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("a", None, "c")


def test_what_is_larger_than_the_bound_is_kept_alone_until_it_is_to_go():
    kept: LastUsed[str, str] = LastUsed(most_bytes=100)
    kept.put("small", "s", 50)
    kept.put("large", "l", 500)

    assert (kept.get("small"), kept.get("large")) == (None, "l")
    kept.shrink(100)
    assert (kept.values(), kept.total) == ([], 0)


def test_what_is_dropped_leaves_its_room():
    kept: LastUsed[str, str] = LastUsed(most_bytes=100)
    kept.put("a", "a", 60)
    kept.drop("a")
    kept.drop("a")

    assert (kept.get("a"), kept.total) == (None, 0)


class Stateful(Tone):
    """A tone that is told of states, and knows which are alive."""

    alive: ClassVar[weakref.WeakSet["Stateful"]] = weakref.WeakSet()
    built: ClassVar[list[bytes]] = []

    def __init__(self) -> None:
        self.alive.add(self)

    def build_on(self, state: bytes) -> None:
        self.built.append(state)


@pytest.fixture
def stateful(monkeypatch: pytest.MonkeyPatch) -> type[Stateful]:
    monkeypatch.setattr("patchflow.studio.players.engines", {"tone": Stateful})
    monkeypatch.setattr(Stateful, "alive", weakref.WeakSet())
    monkeypatch.setattr(Stateful, "built", [])
    return Stateful


def test_a_synth_that_nobody_plays_forgets_the_preset_and_plays_on(stateful: type[Stateful]):
    players = Players(leaving=0.01)
    preset = replace(PRESET, state=b"wavetables")
    first = players.play("a", preset, SHORT).result(10)
    wait_until(lambda: stateful.built == [b"wavetables", b""])

    again = players.play("b", preset, SHORT).result(10)
    players.close()

    np.testing.assert_array_equal(first.samples, again.samples)
    assert stateful.built[2] == b"wavetables"


def test_a_synth_that_nobody_plays_is_ended_and_comes_back(stateful: type[Stateful]):
    players = Players(gone=0.01)
    players.play("a", PRESET, SHORT).result(10)
    wait_until(lambda: not stateful.alive)

    again = players.play("b", PRESET, SHORT).result(10)
    players.close()

    assert len(again.samples) == SHORT.samples(44_100)


def test_a_synth_that_is_kept_warm_stays(stateful: type[Stateful]):
    players = Players(leaving=0.01, gone=0.01)
    players.warm("tone")
    wait_until(lambda: len(stateful.built) == min(2, os.cpu_count() or 1))  # on one thread or on two
    warm = weakref.WeakSet(stateful.alive)
    count = len(warm)
    players.play("a", replace(PRESET, state=b"wavetables"), SHORT).result(10)
    wait_until(lambda: stateful.built[-1] == b"")
    players.play("b", PRESET, SHORT).result(10)

    assert len(warm) == count
    players.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_the_process_of_a_preset_that_nobody_plays_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.studio.players._THREADS", 1)
    preset = Vital().read(packed(document())).presets[0]
    edits = [replace(preset, values={**preset.values, "osc_1.level": level}) for level in (0.2, 0.4, 0.6, 0.8)]
    before = set(children())
    players = Players(leaving=3.0)
    for number, edit in enumerate(edits):
        players.play(str(number), edit, SHORT).result(60)
    wait_until(lambda: len(set(children()) - before) == 2, 60)  # one that has nothing loaded, one that has the preset

    wait_until(lambda: len(set(children()) - before) == 1, 60)
    players.close()
    wait_until(lambda: set(children()) <= before)


def children() -> list[int]:
    """Processes that this one has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.append(int(path.parent.name))
    return found


def test_a_desk_at_rest_forgets_what_it_has_read_and_finds_it_again(client: TestClient, tone_id: str, sine: bytes):
    desk: Desk = client.app.state.desk  # type: ignore[attr-defined]
    sound = client.post("/sounds", params={"name": "a.wav"}, content=sine).json()["id"]
    before = (desk.workspace.preset(tone_id), desk.workspace.recording(sound).samples)

    desk.rest()

    assert (desk.workspace._parsed.total, desk.workspace._decoded.total) == (0, 0)
    assert desk.workspace.preset(tone_id) == before[0]
    np.testing.assert_array_equal(desk.workspace.recording(sound).samples, before[1])


def test_many_states_have_a_bound_together(settings: StudioSettings):
    workspace = Desk(settings).workspace
    workspace.open()
    workspace._parsed.most_bytes = 2**20
    keys = [workspace.keep_preset(replace(PRESET, state=bytes(200_000) + bytes([n]))).id for n in range(8)]

    assert workspace._parsed.total <= 2**20
    assert len(workspace._parsed.values()) < len(keys)
    assert workspace.preset(keys[0]).state[-1] == 0


def test_what_is_to_be_done_when_nobody_asks_is_done_after_the_last_request():
    done = threading.Event()

    async def answer(scope: object, receive: object, send: object) -> None:
        assert not done.is_set()

    async def ask_three_times() -> None:
        quiet = Quiet(answer, done.set, seconds=1.0)
        for _ in range(3):
            await quiet({"type": "http"}, None, None)  # type: ignore[arg-type]
        assert not done.is_set()
        assert await asyncio.to_thread(done.wait, 20)

    asyncio.run(ask_three_times())


def test_few_presets_are_measured_at_once_and_of_those_that_nobody_waits_for_one(monkeypatch: pytest.MonkeyPatch):
    lock = threading.Lock()
    under_way: list[bool] = []
    most = {"all": 0, "ahead": 0}

    def measured(preset: Preset, pace: Callable[[], int]) -> MacroKnobs:
        is_ahead = pace() < 8  # a few at once are played only while nobody waits
        with lock:
            under_way.append(is_ahead)
            most["all"] = max(most["all"], len(under_way))
            most["ahead"] = max(most["ahead"], sum(under_way))
        knobs = MacroKnobs(preset, pace=pace)
        with lock:
            under_way.remove(is_ahead)
        return knobs

    monkeypatch.setattr(shape_routes, "_MEASURED", 2)
    monkeypatch.setattr(shape_routes, "MacroKnobs", measured)
    players = Players()
    knobs = shape_routes._Knobs(players)
    presets = [replace(PRESET, values={**PRESET.values, "decay": 0.1 * n}) for n in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(knobs.of, "abcdefgh", presets, ["one", "", "two", "", "three", "", "four", ""]))
    players.close()

    assert most["all"] <= 2
    assert most["ahead"] <= 1
    assert [one.preset for one in made] == presets


def test_all_knobs_of_a_synth_share_its_learned_map():
    space = engines["dexed"].space

    assert load_map("dexed", space) is not None
    assert load_map("dexed", space) is load_map("dexed", space)


def test_knobs_go_without_waiting_for_the_collector():
    gc.collect()
    gc.disable()
    try:
        gone = weakref.ref(MacroKnobs(PRESET))
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give memory back by themselves")
def test_memory_that_was_freed_between_what_is_kept_is_given_back():
    blocks = [bytes(30_000) for _ in range(4_000)]  # 120 MB
    full = resident_mb()
    kept = blocks[::20]
    del blocks

    give_memory_back()

    assert resident_mb() < full - 80
    assert len(kept) == 200


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
