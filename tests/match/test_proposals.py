"""Proposals: the posterior listens to the right sound, the library offers its likeliest presets first."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
import torch

from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.features.inputs import inputs
from patchflow.features.inputs.levels import input_of_levels, model_input
from patchflow.match import proposals
from patchflow.match.proposals import FromLibrary, FromModel, FromSpace
from patchflow.match.scorer import STEPS_PER_DB, Scored, Scorer
from patchflow.match.target import NoteGuess, Target, presets_of_sound, together
from patchflow.models import models
from patchflow.models.posterior import Posterior
from patchflow.presets import dx7
from patchflow.resynthesis import SEARCH_FREE, Options
from tests.small_models import make

from .conftest import RATE, make_target, point_of

SPACE = Tone.space


@pytest.fixture
def model() -> Posterior:
    torch.manual_seed(0)
    model = Posterior(SPACE, width=4, context=8, hidden=8, transforms=2, bins=4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.5 * torch.randn_like(weight))
    return model.eval()


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def targets(count: int) -> list[Target]:
    return [make_target(point_of(decay=0.05 * (i + 1)), pitch=50 + 7 * i) for i in range(count)]


def test_a_small_space_is_filled_evenly():
    points = FromSpace(SPACE).propose(make_target(), 60, 4000, seeded())

    assert points.mean(0) == pytest.approx(np.full(3, 0.5), abs=0.03)
    assert points.var(0) == pytest.approx(np.full(3, 1 / 12), abs=0.01)


def test_what_is_drawn_from_a_large_space_is_as_in_the_fresh_preset_or_drawn_evenly():
    points = FromSpace(dx7.SPACE).propose(make_target(), 60, 4000, seeded())

    for drawn, default in zip(points.T, dx7.SPACE.default(), strict=True):
        changed = drawn[drawn != default]
        assert 800 < len(changed) < 2000
        assert changed.mean() == pytest.approx(0.5, abs=0.05)
        assert changed.var() == pytest.approx(1 / 12, abs=0.01)


def test_some_draws_from_the_space_leave_whole_groups_as_they_are_and_some_none():
    points = FromSpace(dx7.SPACE).propose(make_target(), 60, 500, seeded()) != dx7.SPACE.default()
    touched = np.stack([points[:, list(group)].any(1) for group in dx7.SPACE.groups.values()], axis=1).sum(1)

    assert touched.min() == 0
    assert touched.max() == len(dx7.SPACE.groups)


def test_the_posterior_proposes_points_of_the_cube(model: Posterior):
    points = FromModel(model).propose(make_target(), 60, 100, seeded())

    assert points.shape == (100, 3)
    assert ((points >= 0) & (points <= 1)).all()
    assert points.std(0).min() > 0.01


def test_the_posterior_depends_on_the_generator_alone(model: Posterior):
    proposer = FromModel(model)
    first, second = (proposer.propose(make_target(), 60, 5, seeded(1)) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert (proposer.propose(make_target(), 60, 5, seeded(2)) != first).all()


def test_the_posterior_listens_to_the_note(model: Posterior):
    proposer = FromModel(model)
    target = make_target()

    low, high, low_again = (proposer.propose(target, pitch, 5, seeded()) for pitch in (40, 80, 40))

    assert np.abs(low - high).max() > 1e-3
    np.testing.assert_array_equal(low, low_again)


def test_one_target_after_another_is_as_each_alone(model: Posterior):
    proposer = FromModel(model)

    for i in range(8):  # every target is gone before the next one comes, which may take its place in memory
        one = proposer.propose(targets(8)[i], 60, 5, seeded())
        alone = FromModel(model).propose(targets(8)[i], 60, 5, seeded())
        np.testing.assert_array_equal(one, alone)


def test_a_target_is_encoded_once_for_each_note(model: Posterior, monkeypatch: pytest.MonkeyPatch):
    encoded: list[float] = []
    right = Posterior.encode
    monkeypatch.setattr(
        Posterior, "encode", lambda self, mel, note: (encoded.append(float(note[0, 0])), right(self, mel, note))[1]
    )
    proposer, target = FromModel(model), make_target()

    for pitch in (60, 72, 60, 72, 60):
        proposer.propose(target, pitch, 3, seeded())

    assert encoded == [60, 72]


def test_a_target_at_another_rate_is_a_bug(model: Posterior):
    target = Target(np.zeros(8_000, np.float32), 8_000, make_target().guesses, 0.5)

    with pytest.raises(ValueError, match="rate=8000"):
        FromModel(model).propose(target, 60, 3, seeded())


@pytest.mark.parametrize("name", [name for name in models if name != "posterior"])
def test_a_model_that_learned_to_give_one_preset_proposes_it_first(name: str):
    other, target = make(name, SPACE).eval(), make_target()
    heard = inputs[other.input].of(torch.from_numpy(target.samples)[None], target.rate)

    points = FromModel(other).propose(target, 60, 5, seeded())

    context = other.encode(heard, torch.tensor([[60.0, 100.0, target.hold]]))
    np.testing.assert_allclose(points[0], other.decode(torch.zeros(1, other.noise), context)[0], atol=1e-5)
    assert points.std(0).max() > 0


def test_a_preset_whose_noise_overflows_is_varied_like_any_other(
    model: Posterior, heard_of: Callable[[Target], Scored], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Posterior, "noise_of", lambda self, points, context: torch.full_like(points, torch.nan))
    target = make_target()
    parents = heard_of(target)

    children = FromModel(model).vary(target, parents, seeded())

    assert ((children >= 0) & (children <= 1)).all()


def test_presets_are_moved_by_densities_and_by_no_auto_encoder():
    assert FromModel(make("posterior", SPACE)).moves
    assert not any(FromModel(make(name, SPACE)).moves for name in models if name != "posterior")


@pytest.mark.parametrize("count", [1, 7, 30])
def test_the_library_offers_its_own_presets_without_duplicates(count: int, model: Posterior):
    presets = seeded(5).random((30, 3))

    for posterior in (None, FromModel(model)):
        points = FromLibrary(presets, posterior).propose(make_target(), 60, count, seeded())
        assert len(points) == len(np.unique(points, axis=0)) == count
        assert (points[:, None] == presets).all(2).any(1).all()


def test_the_library_offers_no_more_than_it_has(model: Posterior):
    presets = seeded(5).random((4, 3))

    for posterior in (None, FromModel(model)):
        assert len(FromLibrary(presets, posterior).propose(make_target(), 60, 9, seeded())) == 4


def test_without_a_posterior_every_preset_is_offered_as_often():
    presets = seeded(5).random((10, 3))
    rng = seeded()
    firsts = [FromLibrary(presets).propose(make_target(), 60, 1, rng)[0] for _ in range(2000)]

    counts = np.unique(np.stack(firsts), axis=0, return_counts=True)[1]

    assert counts == pytest.approx(np.full(10, 200), rel=0.3)


def test_the_likeliest_come_first(model: Posterior):
    presets, target, posterior = seeded(5).random((80, 3)), make_target(), FromModel(model)
    density = posterior.log_prob(target, 60, presets)

    points = FromLibrary(presets, posterior).propose(target, 60, 20, seeded())

    np.testing.assert_array_equal(points[:10], presets[np.argsort(-density)[:10]])


def test_a_single_preset_is_the_likeliest(model: Posterior):
    presets, target, posterior = seeded(5).random((4, 3)), make_target(), FromModel(model)

    (point,) = FromLibrary(presets, posterior).propose(target, 60, 1, seeded())

    np.testing.assert_array_equal(point, presets[posterior.log_prob(target, 60, presets).argmax()])


def test_the_other_half_varies(model: Posterior):
    library = FromLibrary(seeded(5).random((200, 3)), FromModel(model))

    first, second = (library.propose(make_target(), 60, 20, seeded(seed)) for seed in (1, 2))

    assert not (first[10:] == second[10:]).all(1).any()


def test_ranking_a_large_library_takes_no_longer_than_a_small_one(model: Posterior, monkeypatch: pytest.MonkeyPatch):
    ranked: list[int] = []
    right = FromModel.log_prob
    monkeypatch.setattr(
        FromModel,
        "log_prob",
        lambda self, target, pitch, points: (ranked.append(len(points)), right(self, target, pitch, points))[1],
    )

    FromLibrary(seeded().random((30_000, 3)), FromModel(model)).propose(make_target(), 60, 10, seeded())

    assert sum(ranked) <= 100


def test_density_is_the_models(model: Posterior):
    target, points = make_target(), seeded(5).random((6, 3))

    density = FromModel(model, velocity=90).log_prob(target, 64, points)

    mel = model_input(torch.from_numpy(target.samples)[None], RATE).expand(6, -1, -1)
    note = torch.tensor([[64.0, 90.0, target.hold]]).expand(6, -1)
    expected = model.log_prob(torch.from_numpy(points).float(), model.encode(mel, note)).detach().numpy()
    np.testing.assert_allclose(density, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture
def heard_of(scorer_of: Callable[..., Scorer]) -> Callable[[Target], Scored]:
    """Plays twelve presets on two notes for a target."""

    def hear(target: Target) -> Scored:
        points = SPACE.snap(seeded(7).uniform(0.1, 0.9, (12, 3)))
        return scorer_of(target).score(points, [60] * 6 + [67] * 6)

    return hear


def test_only_a_posterior_knows_moves(model: Posterior):
    points = np.zeros((2, 3))

    assert [len(p.moves) for p in (FromSpace(SPACE), FromLibrary(points), FromModel(model))] == [0, 0, 2]


@pytest.mark.parametrize("move", [0, 1])
def test_a_move_makes_one_child_of_every_parent(move: int, model: Posterior, heard_of: Callable[[Target], Scored]):
    target = make_target()
    parents, make = heard_of(target), FromModel(model).moves[move]

    first, second, other = (make(target, parents, seeded(seed)) for seed in (1, 1, 2))

    assert first.shape == (12, 3)
    assert ((first >= 0) & (first <= 1)).all()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_with_no_noise_anew_a_variation_is_its_parent(
    model: Posterior, heard_of: Callable[[Target], Scored], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proposals, "_VARIED", (0.0,))
    target = make_target()
    parents = heard_of(target)

    np.testing.assert_allclose(FromModel(model).vary(target, parents, seeded()), parents.points, atol=1e-4)


def test_what_sounds_like_the_target_already_is_transferred_to_itself(
    model: Posterior, scorer_of: Callable[..., Scorer], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proposals, "_RENEWED", (0.0,))
    target = make_target(point_of(decay=0.2), length=4.0)
    parents = scorer_of(target).score(SPACE.snap(point_of(decay=0.2)[None]), [60])
    proposer = FromModel(model)

    near = proposer.transfer(target, parents, seeded())
    far = proposer.transfer(make_target(point_of("saw", 0.9), pitch=40, length=4.0), parents, seeded())

    np.testing.assert_allclose(near, parents.points, atol=0.01)
    assert np.abs(far - parents.points).max() > 0.02


@pytest.mark.parametrize("length", [0.3, 4.0, 5.5])
def test_what_the_search_keeps_of_a_sound_is_what_the_model_hears(length: float, scorer_of: Callable[..., Scorer]):
    target = make_target(length=length)
    kept = scorer_of(target).score(point_of()[None], [60]).mels
    sound = Tone().render(point_of(), Note(60, 100, target.hold, length), RATE)

    found, wanted = (
        input_of_levels(torch.from_numpy(kept).float() / -STEPS_PER_DB),
        model_input(torch.from_numpy(sound)[None], RATE),
    )

    beyond = kept.shape[2]  # this frame still hears the last samples, but the search has not kept it
    wanted[:, :, beyond : beyond + 1] = 0
    torch.testing.assert_close(found, wanted, atol=0.004, rtol=0)


def test_presets_of_a_sound_hold_the_key_to_its_end_first_and_release_it_second():
    t = np.arange(8_820) / RATE
    beep = (0.3 * np.sin(2 * np.pi * 220 * t) * np.exp(-4 * t)).astype(np.float32)
    target = Target(beep, RATE, (NoteGuess(57, 1.0),), hold=0.2)

    presets = list(islice(presets_of_sound(target, engines["vital"], {}), 3))

    assert [made.hold for made in presets] == [0.4, 0.2, 0.4]
    assert [made.pitch for made in presets] == [57, 57, 57]
    assert len({made.preset.state for made in presets}) == 3
    space = engines["vital"].space
    assert {made.preset.synth for made in presets} == {"vital"}
    assert {space.names[place] for place in np.nonzero(presets[0].free)[0]} == SEARCH_FREE


def test_they_are_of_the_synth_that_is_asked_for():
    t = np.arange(4_410) / RATE
    target = Target(np.sin(2 * np.pi * 220 * t).astype(np.float32), RATE, (NoteGuess(57, 1.0),), hold=0.2)

    made = next(presets_of_sound(target, engines["vital_full"], {}))

    assert made.preset.synth == "vital_full"
    assert len(made.free) == len(engines["vital_full"].space)


def test_what_was_nearer_than_the_first_is_put_together_with_the_best():
    tried = {
        "first": Options(), "large": Options(most_bytes=2_000_000), "one": Options(harmonics=False),
        "loop": Options(noise="loop"), "unheard": Options(follows=False),
    }  # fmt: skip

    both = together(tried, {"first": 3.0, "large": 2.0, "one": 1.0, "loop": 4.0})

    assert both == [
        Options(harmonics=False, rounds=6),
        Options(harmonics=False, most_bytes=2_000_000),
        Options(harmonics=False, most_bytes=2_000_000, rounds=6),
    ]
    assert together(tried, {}) == []
