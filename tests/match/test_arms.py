"""Several synths at once, and presets that are made of the sound: who gets the next batch, and what comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from patchflow.audio import Sound
from patchflow.engines import Note, Renderer, engines
from patchflow.engines.tone import Tone
from patchflow.errors import AudioError, EngineError, OptionError, PresetError, UnknownName
from patchflow.match import Budget, Matcher, MatchResult, Progress, Target
from patchflow.match.arms import Arm
from patchflow.match.proposals import FromSpace
from patchflow.match.target import Resynthesised
from patchflow.presets import Preset

from .conftest import RATE, make_target, point_of

TARGET = make_target(point_of("saw", 0.2, -3.0))
FREE = np.array([False, True, True])  # decay and gain


class Noisy(Tone):
    """A tone engine with noise over all it plays, but for a preset whose state says how little of it there is."""

    has_state: ClassVar[bool] = True
    resynthesis: ClassVar[bool] = True
    state = b""

    def build_on(self, state: bytes) -> None:
        """See `Engine.build_on`."""
        self.state = state

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        clean = super().render(point, note, rate)
        noise = np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
        return clean + float(self.state or b"0.3") * noise


class Far(Tone):
    """A tone engine that only makes noise."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        clean = super().render(point, note, rate)
        return np.random.default_rng(int(1e6 * point[1])).standard_normal(len(clean)).astype(np.float32)


class Mortal(Tone):
    """A tone engine that dies after a few notes."""

    lives: ClassVar[int] = 20

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        Mortal.lives -= 1
        if Mortal.lives < 0:
            raise EngineError("mortal: died 6 times in a row")
        return super().render(point, note, rate)


@pytest.fixture
def arm() -> Iterator[Callable[..., Arm]]:
    """Makes arms; their threads end with the test."""
    renderers: list[Renderer] = []

    def make(synth: str, engine: type[Tone] = Tone, **options: object) -> Arm:
        renderers.append(Renderer(engine, 2))
        proposers = [FromSpace(engine.space)]
        return Arm(synth, engine, renderers[-1], proposers, **options)  # type: ignore[arg-type]

    yield make
    for renderer in renderers:
        renderer.close()


@pytest.fixture
def from_sound(monkeypatch: pytest.MonkeyPatch, arm: Callable[..., Arm]) -> Callable[..., Arm]:
    """Makes an arm whose presets of the sound have so much noise, in this order."""

    def make(*noise: float, wave: str = "saw", decay: float = 0.25) -> Arm:
        def presets(target: Target, engine: type[Tone], heard: dict[str, float]) -> Iterator[Resynthesised]:
            values = Tone.space.decode(point_of(wave, decay, -6.0))
            for level in noise:
                preset = Preset("noisy", values, state=str(level).encode())
                yield Resynthesised(preset, target.guesses[0].pitch, target.hold, f"noise {level}", (), FREE)

        monkeypatch.setattr("patchflow.match.arms.presets_of_sound", presets)
        return arm("noisy", Noisy, kind="wavetable of the sound", from_sound=True)

    return make


def not_started() -> "Future[None]":
    return Future()


def failed(error: Exception) -> "Future[None]":
    future: Future[None] = Future()
    future.set_exception(error)
    return future


def search(*arms: Arm, renders: int = 200, **options: object) -> MatchResult:
    return Matcher(arms).match_target(TARGET, Budget(renders=renders), **options)  # type: ignore[arg-type]


def distances(result: MatchResult) -> list[float]:
    return [candidate.distances["perceptual"] for candidate in result.candidates]


# ---------------------------------------------------------------------------------------------------- several synths


def test_several_synths_are_searched_for_one_table():
    sound = Sound(TARGET.samples, RATE)

    result = Matcher.load(["tone", "dexed"]).match(sound, renders=120, note=60)

    assert result.synths == ("tone", "dexed")
    assert {candidate.preset.synth for candidate in result.candidates} == {"tone", "dexed"}
    assert distances(result) == sorted(distances(result))
    assert set(result.dealt) == {"tone", "dexed"}
    for candidate in result.candidates:
        space = engines[candidate.preset.synth].space
        np.testing.assert_allclose(space.encode(candidate.preset.values), candidate.point, atol=1e-9)


def test_a_synth_that_is_named_twice_is_searched_once():
    assert Matcher.load(["tone", "tone"]).synths == ("tone",)


@pytest.mark.parametrize("renders", [2, 3, 17, 40, 100])
def test_several_synths_share_the_renders_and_never_exceed_them(renders: int, arm: Callable[..., Arm]):
    result = search(arm("a"), arm("b"), renders=renders)

    assert result.renders == renders
    dealt = [about["renders"] for about in result.dealt.values()]
    assert min(dealt) >= 1
    assert renders <= sum(dealt) <= renders + 1  # each is rounded up


def test_the_same_seed_deals_alike(arm: Callable[..., Arm]):
    arms = [arm("a"), arm("far", Far)]

    first, second, other = (search(*arms, seed=seed) for seed in (1, 1, 2))

    assert distances(first) == distances(second) != distances(other)
    assert [c.preset for c in first.candidates] == [c.preset for c in second.candidates]
    renders = [[about["renders"] for about in result.dealt.values()] for result in (first, second)]
    assert renders[0] == renders[1]


def test_a_synth_that_is_far_away_gets_a_small_share(arm: Callable[..., Arm]):
    result = search(arm("far", Far), arm("near"), renders=600)

    share = result.dealt["far"]["renders"] / result.renders
    assert 0.05 < share < 0.25
    assert result.candidates[0].preset.synth == "near"
    assert result.candidates[-1].preset.synth == "far"


def test_uncertainty_is_that_of_the_best_synth():
    result = Matcher.load(["dexed", "tone"]).match(Sound(TARGET.samples, RATE), renders=100, note=60)

    assert set(result.uncertainty) == set(engines[result.candidates[0].preset.synth].space.names)


def test_progress_says_which_synth_and_how_near_the_best_of_all_is(arm: Callable[..., Arm]):
    states: list[Progress] = []

    search(arm("far", Far), arm("near"), progress=states.append)

    assert {state.subject for state in states} == {"far", "near"}
    heard = [state.distance or 0.0 for state in states]
    assert heard == sorted(heard, reverse=True)
    assert [state.renders for state in states] == sorted(state.renders or 0 for state in states)


def test_with_one_synth_progress_has_no_subject(arm: Callable[..., Arm]):
    states: list[Progress] = []

    search(arm("near"), renders=20, progress=states.append)

    assert {state.subject for state in states} == {""}


def test_a_synth_that_is_lost_ends_alone(arm: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Mortal, "lives", 20)

    result = search(arm("mortal", Mortal), arm("tone"), renders=300)

    assert (result.complete, result.stopped, result.renders) == (True, "", 300)
    assert result.dealt["mortal"]["fault"] == "mortal: died 6 times in a row"
    assert "fault" not in result.dealt["tone"]
    assert {candidate.preset.synth for candidate in result.candidates} == {"mortal", "tone"}


def test_a_synth_that_cannot_be_started_ends_alone(arm: Callable[..., Arm]):
    result = search(arm("broken", started=failed(EngineError("broken: no such file"))), arm("tone"))

    assert result.dealt["broken"] == {
        "renders": 0, "seconds": 0.0, "distance": None, "fault": "broken: no such file",
    }  # fmt: skip
    assert {candidate.preset.synth for candidate in result.candidates} == {"tone"}


def test_synths_none_of_which_can_be_started_are_an_error(arm: Callable[..., Arm]):
    arms = [arm(name, started=failed(EngineError(f"{name}: no such file"))) for name in ("a", "b")]

    with pytest.raises(EngineError, match="a: no such file"):
        search(*arms)


def test_a_synth_that_is_slow_to_start_does_not_delay_the_others(arm: Callable[..., Arm]):
    since = time.monotonic()

    result = Matcher([arm("slow", started=not_started()), arm("tone")]).match_target(TARGET, Budget(seconds=0.5))

    assert time.monotonic() - since < 10
    assert result.dealt["slow"]["renders"] == 0
    assert {candidate.preset.synth for candidate in result.candidates} == {"tone"}


class Slow(Tone):
    """A tone engine that takes a tenth of a second for a note."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        time.sleep(0.1)
        return super().render(point, note, rate)


def test_slow_synths_together_keep_the_time(arm: Callable[..., Arm]):
    since = time.monotonic()

    result = Matcher([arm(name, Slow) for name in "abc"]).match_target(TARGET, Budget(seconds=2))

    assert time.monotonic() - since < 4
    assert {candidate.preset.synth for candidate in result.candidates} == {"a", "b", "c"}


def test_ctrl_c_keeps_the_best_of_all(arm: Callable[..., Arm]):
    states: list[Progress] = []

    def interrupt(state: Progress) -> None:
        states.append(state)
        if len(states) == 3:
            raise KeyboardInterrupt

    result = search(arm("far", Far), arm("near"), renders=10_000, progress=interrupt)

    assert not result.complete
    assert {candidate.preset.synth for candidate in result.candidates} == {"far", "near"}
    assert result.candidates[0].preset.synth == "near"


def test_a_lock_applies_to_the_synths_that_have_it():
    matcher = Matcher.load(["tone", "dexed"])

    result = matcher.match(Sound(TARGET.samples, RATE), renders=60, lock={"wave": "sine", "algorithm": "5"})

    for candidate in result.candidates:
        values = candidate.preset.values
        assert values.get("wave", "sine") == "sine"
        assert values.get("algorithm", "5") == "5"


@pytest.mark.parametrize(
    ("lock", "error", "message"),
    [
        ({"waves": "saw"}, UnknownName, "no parameter or group named 'waves'. Did you mean 'wave'"),
        ({"algorithm": "33"}, PresetError, "algorithm='33'"),
        ({"amp": 3}, OptionError, "lock amp=3: amp is a group"),
    ],
    ids=str,
)
def test_a_lock_that_no_synth_takes_is_refused(lock: dict[str, object], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        Matcher.load(["tone", "dexed"]).match(Sound(TARGET.samples, RATE), renders=1, lock=lock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"synth": []}, r"synth=\[\]: name at least one"),
        ({"synth": ["tone", "dexed"], "model": "flow_reg"}, "model='flow_reg': a model is of one synth, and 2 are"),
        ({"synth": ["tone", "vital"], "on": Preset("vital", {}, name="Pad")}, "on='Pad': a preset is of one synth"),
        ({"synth": "tone", "wavetables": "mine"}, "wavetables='mine': not one of own, stock, both"),
        ({"synth": ["tone", "dexed"], "wavetables": "own"}, "wavetables='own': presets of tone, dexed hold no"),
        (
            {"synth": "vital", "wavetables": "own", "on": Preset("vital", {}, name="Pad")},
            "on='Pad' and wavetables='own'",
        ),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused_before_anything_is_loaded(options: dict[str, object], message: str):
    with pytest.raises(OptionError, match=message):
        Matcher.load(**options)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- presets made of the sound


def test_the_first_render_is_the_first_preset_made_of_the_sound(from_sound: Callable[..., Arm]):
    result = search(from_sound(0.01, 0.001), renders=1)

    (candidate,) = result.candidates
    assert candidate.preset.state == b"0.01"
    assert (candidate.kind, candidate.renders, candidate.note.pitch) == ("wavetable of the sound", 1, 60)
    assert result.dealt["noisy: wavetable of the sound"]["renders"] == 1
    assert result.uncertainty == {}  # one preset alone does not say how sure it is


def test_what_is_made_of_the_sound_comes_before_all_else(from_sound: Callable[..., Arm], arm: Callable[..., Arm]):
    result = search(arm("tone"), from_sound(0.01), renders=1)

    assert [candidate.kind for candidate in result.candidates] == ["wavetable of the sound"]
    assert result.dealt["tone"]["distance"] is None


def test_the_search_goes_on_from_the_best_of_them_and_keeps_its_state(from_sound: Callable[..., Arm]):
    result = search(from_sound(0.1, 0.001, 0.05), candidates=3)

    best = result.candidates[0]
    assert best.preset.state == b"0.001"
    assert set(result.uncertainty) == set(Tone.space.names)
    assert best.distances["perceptual"] < 0.5 * result.dealt["noisy: wavetable of the sound"]["tried"]["noise 0.001"]
    assert best.preset.values["decay"] == pytest.approx(0.2, rel=0.1)


def test_what_must_not_move_does_not(from_sound: Callable[..., Arm]):
    result = search(from_sound(0.001, wave="sine"), candidates=8)

    assert {candidate.preset.values["wave"] for candidate in result.candidates} == {"sine"}
    assert len({candidate.preset.values["decay"] for candidate in result.candidates}) > 1


def test_a_lock_holds_in_presets_made_of_the_sound(from_sound: Callable[..., Arm]):
    result = search(from_sound(0.001, 0.1), candidates=8, lock={"wave": "sine", "gain": None})

    assert {candidate.preset.values["wave"] for candidate in result.candidates} == {"sine"}
    assert {round(float(candidate.preset.values["gain"]), 3) for candidate in result.candidates} == {-6.0}


@pytest.mark.parametrize(("renders", "count"), [(1, 1), (10, 3), (16, 5), (400, 6)])
def test_a_small_share_is_spent_on_variants(renders: int, count: int, from_sound: Callable[..., Arm]):
    result = search(from_sound(0.1, 0.2, 0.15, 0.12, 0.05, 0.3), renders=renders)

    assert len(result.dealt["noisy: wavetable of the sound"]["tried"]) == count


def test_candidates_of_both_kinds_come_back_ranked(from_sound: Callable[..., Arm], arm: Callable[..., Arm]):
    own = from_sound(0.01, 0.1)
    stock = replace(arm("noisy", Noisy, kind="its own shapes"), renderer=own.renderer)

    result = search(own, stock, renders=60, candidates=2)

    assert [candidate.kind for candidate in result.candidates] == ["wavetable of the sound", "its own shapes"]
    assert [candidate.preset.state for candidate in result.candidates] == [b"0.01", b""]
    assert distances(result) == sorted(distances(result))


def test_each_candidate_alone_gives_its_distance_again(from_sound: Callable[..., Arm], arm: Callable[..., Arm]):
    own = from_sound(0.1, 0.01)
    stock = replace(arm("noisy", Noisy), renderer=own.renderer)

    result = search(own, stock, renders=60)

    for candidate in result.candidates:
        engine = Noisy()
        engine.build_on(candidate.preset.state)
        sound = engine.render(Noisy.space.encode(candidate.preset.values), candidate.note, RATE)
        assert candidate.sound is not None
        np.testing.assert_allclose(sound, candidate.sound, atol=1e-6)


def test_a_sound_of_which_nothing_can_be_made_leaves_the_others(
    arm: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch
):
    def presets(target: Target, engine: type[Tone], heard: dict[str, float]) -> Iterator[Resynthesised]:
        raise AudioError("the sound is too odd")
        yield

    monkeypatch.setattr("patchflow.match.arms.presets_of_sound", presets)
    own = arm("noisy", Noisy, kind="wavetable of the sound", from_sound=True)

    result = search(own, arm("tone"), renders=40)

    assert result.dealt["noisy: wavetable of the sound"]["fault"] == "the sound is too odd"
    assert {candidate.preset.synth for candidate in result.candidates} == {"tone"}


def test_what_is_made_slowly_does_not_delay_the_others(arm: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch):
    def presets(target: Target, engine: type[Tone], heard: dict[str, float]) -> Iterator[Resynthesised]:
        time.sleep(2)
        yield Resynthesised(
            Preset("noisy", Tone.space.decode(point_of()), state=b"0.1"), 60, target.hold, "slow", (), FREE
        )

    monkeypatch.setattr("patchflow.match.arms.presets_of_sound", presets)
    own = arm("noisy", Noisy, kind="wavetable of the sound", from_sound=True)

    result = Matcher([own, arm("tone")]).match_target(TARGET, Budget(seconds=0.5))

    assert result.seconds < 1.9
    assert {candidate.preset.synth for candidate in result.candidates} == {"tone"}


def test_more_renders_do_not_end_farther(from_sound: Callable[..., Arm]):
    own = from_sound(0.1, 0.02, 0.05, 0.01)

    best = [distances(search(own, renders=renders))[0] for renders in (1, 20, 40, 80, 160)]

    assert best == sorted(best, reverse=True)


# ---------------------------------------------------------------------------------------------------- the real thing


@pytest.mark.slow
def test_a_recording_becomes_a_vital_patch_in_one_render():
    t = np.arange(22_050) / 22_050
    partials = sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 9))
    sound = Sound((0.2 * partials * np.exp(-2 * t)).astype(np.float32), 22_050)

    result = Matcher.load("vital").match(sound, renders=24, candidates=2)

    own, stock = result.candidates
    assert (own.kind, stock.kind) == ("wavetable of the sound", "synthesised from Vital's own shapes")
    assert own.distances["log_mel_l1"] < 3
    assert own.tuning == "in tune"
    assert len(own.preset.state) > 10_000
    assert stock.preset.state == b""


def slowly_made(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[float]:
    """Has endless presets made of the sound, each in so many seconds; returns when each was begun."""
    begun: list[float] = []

    def presets(target: Target, engine: type[Tone], heard: dict[str, float]) -> Iterator[Resynthesised]:
        values = Tone.space.decode(point_of())
        while True:
            begun.append(time.monotonic())
            time.sleep(seconds)
            preset = Preset("noisy", values, state=f"0.{len(begun)}".encode())
            yield Resynthesised(preset, 60, target.hold, f"number {len(begun)}", (), FREE)

    monkeypatch.setattr("patchflow.match.arms.presets_of_sound", presets)
    return begun


@pytest.mark.parametrize(("renders", "count"), [(1, 1), (2, 1), (10, 3), (16, 5)])
def test_nothing_is_made_of_the_sound_that_is_not_played(
    renders: int, count: int, arm: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch
):
    begun = slowly_made(monkeypatch, 0.0)

    result = search(arm("noisy", Noisy, from_sound=True), renders=renders)

    time.sleep(0.1)
    assert len(begun) == len(result.dealt["noisy"]["tried"]) == count


def test_what_would_be_made_too_late_is_not_begun(arm: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch):
    begun = slowly_made(monkeypatch, 0.5)

    result = Matcher([arm("noisy", Noisy, from_sound=True)]).match_target(TARGET, Budget(seconds=2.0))

    # Two tenths of the time are over when the first is made, so that a second could be ready after half of it only.
    assert len(begun) == len(result.dealt["noisy"]["tried"]) == 1


def test_a_search_from_the_best_does_not_wait_for_synths_of_its_own(
    from_sound: Callable[..., Arm], monkeypatch: pytest.MonkeyPatch
):
    go_on = threading.Event()
    begun: list[str] = []

    def expect_many(_: Noisy) -> None:
        begun.append(threading.current_thread().name)
        go_on.wait(60)

    monkeypatch.setattr(Noisy, "expect_many", expect_many)

    waited = search(from_sound(0.1, 0.001), renders=120)
    go_on.set()
    ready = search(from_sound(0.1, 0.001), renders=120)
    short = len(begun)
    search(from_sound(0.1, 0.001), renders=60)

    assert distances(waited) == distances(ready)
    assert [each.preset for each in waited.candidates] == [each.preset for each in ready.candidates]
    assert len(begun) == short > 0, "a short search starts none"
