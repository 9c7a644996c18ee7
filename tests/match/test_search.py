"""The search: its budget, its memory, its promises when it is stopped, locked or has nothing left to try."""

import time
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch

from patchflow.engines import Engine, Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import PresetError
from patchflow.match import Budget, NoteGuess, Progress, Target
from patchflow.match.proposals import FromSpace, Proposer
from patchflow.match.scorer import Scored, Scorer
from patchflow.match.search import Search, Trace
from patchflow.presets import Choice, ParamSpace, dx7

from .conftest import RATE, Watched, make_target, point_of

MakeScorer = Callable[..., Scorer]

TARGET = make_target(point_of("saw", 0.2, -3.0))


@pytest.fixture
def search(scorer_of: MakeScorer) -> Callable[..., Search]:
    """Makes a search for what a saw plays."""

    def make(engine: type[Engine] = Tone, target: Target = TARGET, **options: object) -> Search:
        return Search(scorer_of(target, engine), engine(), [FromSpace(engine.space)], **options)  # type: ignore[arg-type]

    return make


class Slow(Tone):
    """A tone engine that takes a tenth of a second for a note."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        time.sleep(0.1)
        return super().render(point, note, rate)


def distances(trace: Trace) -> list[float]:
    return [distance for _, _, distance in trace.history]


def played(heard: list[tuple[np.ndarray, Note, int]]) -> float:
    """Samples rendered, in whole notes."""
    return sum(note.samples(rate) for _, note, rate in heard) / len(TARGET.samples)


@pytest.mark.parametrize("renders", [1, 2, 3, 15, 16, 17, 18, 19, 20, 33, 50, 64, 65, 100, 101, 150, 237])
def test_a_budget_of_renders_is_spent_and_never_exceeded(
    renders: int, search: Callable[..., Search], watched: type[Watched]
):
    trace = search(watched).run(Budget(renders=renders))

    assert trace.history[-1][0] == renders
    assert renders - 1 < played(watched.heard) <= renders + 1e-3
    assert trace.complete


@pytest.mark.parametrize("renders", [17, 33, 100, 150])
def test_a_screening_of_a_synth_with_overhead_is_paid_with_it(
    renders: int, search: Callable[..., Search], watched: type[Watched], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watched, "overhead", 0.75)

    trace = search(watched).run(Budget(renders=renders))

    length = TARGET.length
    costs = [(0.75 + note.samples(rate) / rate) / (0.75 + length) for _, note, rate in watched.heard]
    assert trace.history[-1][0] == renders
    assert renders - 1 < sum(costs) <= renders + 1e-3


def test_children_are_bred_from_presets_that_sound_apart(
    search: Callable[..., Search], monkeypatch: pytest.MonkeyPatch
):
    searching = search()
    ask = searching.recombine.ask
    bred_from: list[Scored] = []

    def watch(found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        assert found is not None
        bred_from.append(found)
        return ask(found, count)

    monkeypatch.setattr(searching.recombine, "ask", watch)
    trace = searching.run(Budget(renders=300))

    assert trace.parents.points[0].tolist() == trace.found.points[0].tolist()
    assert len(bred_from) > 1
    for parents in bred_from:
        gaps = np.abs(parents.coarse[:, None] - parents.coarse).mean(2)
        np.fill_diagonal(gaps, np.inf)
        assert gaps.min() >= 0.99 * 0.15 * 300 / 4_000 * parents.level[0]


@pytest.mark.parametrize(("long", "apart"), [(200, 0.15), (400, 0.075)])
def test_a_short_search_keeps_less_apart(
    long: int, apart: float, search: Callable[..., Search], monkeypatch: pytest.MonkeyPatch
):
    asked: list[float] = []

    def watch(kept: Scored | None, new: Scored, least: float, most: int) -> Scored:
        both = new if kept is None else kept.join(new)
        asked.append(least / both.level[both.distance.argmin()])
        return both.best(most)

    monkeypatch.setattr("patchflow.match.search._LONG", long)
    monkeypatch.setattr("patchflow.match.search.keep_apart", watch)
    search().run(Budget(renders=200))

    assert asked[-1] == pytest.approx(apart)


def test_the_first_batch_is_heard_even_if_the_time_is_over(search: Callable[..., Search]):
    assert len(search().run(Budget(seconds=1e-9)).found) > 0


def test_a_clock_that_stands_still_during_a_batch_stops_nothing(
    search: Callable[..., Search], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)

    assert search().run(Budget(seconds=5, renders=64)).history[-1][0] == 64


def test_a_budget_of_seconds_ends_soon_after(search: Callable[..., Search]):
    trace = search().run(Budget(seconds=0.3))

    assert trace.history[-1][1] < 30
    assert all(seconds < 0.3 for _, seconds, _ in trace.history[:-1])


def test_a_slow_synth_ends_in_time_and_gets_through_all_stages(search: Callable[..., Search]):
    stages: list[str] = []

    trace = search(Slow).run(Budget(seconds=3), lambda progress: stages.append(progress.stage))

    assert trace.history[-1][1] < 3.5
    assert set(stages) == {"draw", "recombine", "polish"}


def test_whichever_limit_comes_first_ends_the_search(search: Callable[..., Search]):
    assert search().run(Budget(renders=20, seconds=600)).history[-1][0] == 20
    assert search().run(Budget(renders=10_000_000, seconds=0.05)).history[-1][0] < 10_000


@pytest.mark.parametrize("limits", [{}, {"renders": 0}, {"seconds": 0.0}, {"seconds": -1.0}, {"seconds": float("nan")}])
def test_a_budget_without_or_with_impossible_limits_is_a_bug(limits: dict[str, float]):
    with pytest.raises(ValueError, match="limit|at least 1|above 0"):
        Budget(**limits)  # type: ignore[arg-type]


class OneVoice(Proposer):
    """Proposes one preset again and again."""

    def __init__(self, point: np.ndarray) -> None:
        self.point = point

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        return np.tile(self.point, (count, 1))


@pytest.mark.parametrize("off", [-730, 130, 1_200])
@pytest.mark.parametrize("locked", [(), ("transpose",)])
def test_what_is_out_of_tune_is_put_in_tune(off: int, locked: tuple[str, ...], scorer_of: MakeScorer):
    engine = engines["dexed"]()
    note = Note(48, 100, 0.8, 1.0)
    point = engine.space.default()
    samples = engine.render(point, note, RATE)
    target = Target(samples, RATE, (NoteGuess(48, 1.0),), note.hold)
    wrong = engine.transposed(point[None], np.array([off]))[0]
    lock = {engine.space.index[name]: float(wrong[engine.space.index[name]]) for name in locked}
    searching = Search(scorer_of(target, type(engine)), engine, [OneVoice(wrong)], locked=lock)
    stages: list[str] = []

    trace = searching.run(Budget(renders=40), lambda progress: stages.append(progress.stage))

    assert "tune" in stages
    assert set(trace.found.pitch.tolist()) == {48}
    for place, value in lock.items():
        assert set(trace.found.points[:, place].tolist()) == {value}
    if not locked:
        assert trace.found.level[0] < 0.5


def test_the_same_seed_finds_the_same(search: Callable[..., Search]):
    first, second, other = (search(seed=seed).run(Budget(renders=400)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.found.points, second.found.points)
    np.testing.assert_array_equal(first.found.distance, second.found.distance)
    assert not np.array_equal(first.found.points, other.found.points)


def test_the_number_of_threads_does_not_matter(scorer_of: MakeScorer):
    one, three = (
        Search(scorer_of(TARGET, Tone, threads), Tone(), [FromSpace(Tone.space)]).run(Budget(renders=150))
        for threads in (1, 3)
    )

    np.testing.assert_array_equal(one.found.points, three.found.points)


def test_the_best_distance_never_rises(search: Callable[..., Search]):
    trace = search().run(Budget(renders=300))

    assert (np.diff(distances(trace)) <= 0).all()
    assert distances(trace)[-1] < 0.5 * distances(trace)[0]
    assert (np.diff([renders for renders, _, _ in trace.history]) > 0).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_four_times_the_renders_never_end_worse(seed: int, search: Callable[..., Search]):
    # Each is a search of its own: what it tries when depends on its budget, so a few more renders may end elsewhere.
    best = [distances(search(seed=seed).run(Budget(renders=renders)))[-1] for renders in (20, 80, 320)]

    assert best == sorted(best, reverse=True)
    assert best[-1] < 0.5 * best[0]


def test_the_best_come_first(search: Callable[..., Search]):
    trace = search().run(Budget(renders=200))

    for scored in (trace.found, trace.distinct):
        assert (np.diff(scored.distance) >= 0).all()
        assert scored.distance[0] == distances(trace)[-1]


def test_distances_are_those_of_the_presets(search: Callable[..., Search], scorer_of: MakeScorer):
    found = search().run(Budget(renders=100)).found

    again = scorer_of(TARGET).score(found.points, found.pitch)

    np.testing.assert_allclose(again.distance, found.distance, atol=1e-4)


def test_each_is_told_when_it_was_found(search: Callable[..., Search]):
    trace = search().run(Budget(renders=200))
    when = {renders: distance for renders, _, distance in trace.history}

    assert set(trace.found.found_at[:, 0]) <= set(when)
    assert when[trace.found.found_at[0, 0]] == trace.found.distance[0]
    assert (trace.found.found_at[:, 1] <= trace.history[-1][1]).all()


def test_no_preset_is_rendered_in_full_twice(search: Callable[..., Search], watched: type[Watched]):
    search(watched).run(Budget(renders=300))

    whole = [(point.tobytes(), note.pitch) for point, note, _ in watched.heard if note.length == TARGET.length]

    assert len(whole) > 100
    assert len(whole) == len(set(whole))


def test_all_stages_take_part_in_their_order(search: Callable[..., Search]):
    heard: list[Progress] = []

    search().run(Budget(renders=400), heard.append)

    stages = [state.stage for state in heard]
    assert list(dict.fromkeys(stages)) == ["draw", "recombine", "polish"]


def test_progress_rises_to_the_end(search: Callable[..., Search]):
    heard: list[Progress] = []

    trace = search().run(Budget(renders=200), heard.append)

    done = [state.done for state in heard]
    assert (np.diff(done) >= 0).all()
    assert 0.99 < done[-1] <= 1
    assert list(dict.fromkeys((state.renders, state.distance) for state in heard)) == [
        (renders, distance) for renders, _, distance in trace.history
    ]


@pytest.mark.parametrize("batches", [1, 3, 6])
def test_ctrl_c_keeps_the_best_so_far(batches: int, search: Callable[..., Search]):
    heard: list[Progress] = []

    def interrupt(state: Progress) -> None:
        heard.append(state)
        if len(heard) == batches:
            raise KeyboardInterrupt

    trace = search().run(Budget(renders=10_000), interrupt)

    assert not trace.complete
    assert len(trace.history) == batches
    assert trace.found.distance[0] == heard[-1].distance


def test_ctrl_c_while_rendering_keeps_the_best_so_far(search: Callable[..., Search]):
    class Interrupted(Tone):
        count: ClassVar[int] = 0

        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            Interrupted.count += 1
            if Interrupted.count > 60:
                raise KeyboardInterrupt
            return super().render(point, note, rate)

    trace = search(Interrupted).run(Budget(renders=10_000))

    assert not trace.complete
    assert trace.history[-1][0] == 16


def test_ctrl_c_before_anything_was_heard_is_passed_on(search: Callable[..., Search]):
    class Interrupted(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(Interrupted).run(Budget(renders=10))


def test_an_error_of_the_engine_is_passed_on(search: Callable[..., Search]):
    class Broken(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            raise PresetError("broken")

    with pytest.raises(PresetError, match="broken"):
        search(Broken).run(Budget(renders=10))


@pytest.mark.parametrize("locked", [{0: 0.25}, {1: 0.123, 2: 0.5}, {0: 0.75, 1: 0.0, 2: 1.0}], ids=str)
def test_locked_values_hold_in_everything_that_is_played(
    locked: dict[int, float], search: Callable[..., Search], watched: type[Watched]
):
    trace = search(watched, locked=locked).run(Budget(renders=250))

    places, values = list(locked), list(locked.values())
    np.testing.assert_array_equal(trace.found.points[:, places], np.tile(values, (len(trace.found), 1)))
    assert all(point[places].tolist() == values for point, _, _ in watched.heard)


def test_a_locked_value_that_cannot_be_heard_is_kept(search: Callable[..., Search]):
    coarse = dx7.SPACE.index["op2.coarse"]
    locked = {dx7.SPACE.index["op2.output"]: dx7.SPACE.snap(np.zeros(145))[0], coarse: 0.734375}

    trace = search(engines["dexed"], locked=locked).run(Budget(renders=20))

    assert (trace.found.points[:, coarse] == 0.734375).all()


class Switch(Tone):
    """An engine with two presets."""

    space: ClassVar[ParamSpace] = ParamSpace((Choice("wave", ("sine", "saw")),))

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        return Tone().render(np.array([point[0], 0.5, 0.5]), note, rate)


@pytest.mark.parametrize("budget", [Budget(renders=1_000_000), Budget(seconds=600.0)], ids=str)
def test_an_exhausted_space_ends_the_search(budget: Budget, search: Callable[..., Search]):
    trace = search(Switch).run(budget)

    assert len(trace.found) == 2
    assert trace.history[-1][0] < 10


def test_a_wholly_locked_space_ends_the_search(search: Callable[..., Search]):
    trace = search(locked={0: 0.25, 1: 0.5, 2: 0.5}).run(Budget(renders=1_000_000))

    np.testing.assert_array_equal(trace.found.points, [[0.25, 0.5, 0.5]])


def test_proposers_without_presets_are_a_bug(scorer_of: MakeScorer):
    class Empty(Proposer):
        def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
            return np.empty((0, 3))

    with pytest.raises(ValueError, match="gave no preset"):
        Search(scorer_of(TARGET), Tone(), [Empty()]).run(Budget(renders=10))


@pytest.mark.parametrize("length", [0.0105, 0.03, 0.06])
def test_very_short_sounds_are_searched(length: float, search: Callable[..., Search]):
    trace = search(target=make_target(point_of("saw"), length=length)).run(Budget(renders=150))

    assert trace.found.distance[0] < 5


def test_the_number_of_torchs_threads_is_as_before(search: Callable[..., Search]):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        search().run(Budget(renders=2))
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_the_target_is_heard_at_the_rate_of_the_search(search: Callable[..., Search], watched: type[Watched]):
    search(watched).run(Budget(renders=60))

    assert {rate for _, _, rate in watched.heard} == {RATE}
