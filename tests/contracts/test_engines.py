"""What every engine promises, for every engine there is."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from patchflow.engines import Engine, Note, engines
from patchflow.errors import MissingDependency
from patchflow.features.log_spectrum import best_shift, fine_spectrum
from patchflow.presets import ParamSpace

REQUIRED = os.environ.get("PATCHFLOW_REQUIRED_ENGINES", "dexed tone vital").split()
"""These may not be skipped. CI names its own."""

RATE = 22_050
NOTE = Note(60, 100, hold=0.3, length=0.5)

Make = type[Engine]


QUICK = {"dexed", "dexed_16", "tone"}
"""Others play in processes of their own, which takes its time to start, or are as `dexed_16` is."""

NAMES = sorted({*engines, "amsynth"})


@pytest.fixture(params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NAMES])
def make(request: pytest.FixtureRequest) -> Make:
    """Every shipped synth, and one of which all is known from its description."""
    if request.param.startswith("amsynth"):
        request.getfixturevalue("amsynth")
        return engines[request.param]
    try:
        return engines[request.param]
    except MissingDependency as error:
        if request.param in REQUIRED:
            raise
        pytest.skip(str(error))


@cache
def share(make: Make) -> float:
    """The share of presets that is tried: all where a render takes a few milliseconds, a tenth where it takes many."""
    engine = make()
    engine.render(make.space.default(), NOTE, RATE)
    start = time.perf_counter()
    for _ in range(3):
        engine.render(make.space.default(), NOTE, RATE)
    return 1.0 if time.perf_counter() - start < 3 * 0.015 else 0.1


def affordable(make: Make, count: int) -> int:
    return max(4, round(count * share(make)))


def draw_presets(space: ParamSpace, count: int) -> np.ndarray:
    """Presets in which every parameter is often at its lowest, its default or its highest value."""
    rng = np.random.default_rng(0)
    points = rng.random((count, len(space)))
    kind = rng.random((count, len(space)))
    points[kind < 0.5] = 1.0
    points[kind < 0.45] = 0.0
    return space.snap(np.where(kind < 0.2, space.default(), points))


def draw_notes(count: int) -> list[Note]:
    rng = np.random.default_rng(1)
    pitches, velocities = rng.integers(24, 97, count), rng.integers(1, 128, count)
    return [Note(int(p), int(v), 0.3, 0.6) for p, v in zip(pitches, velocities, strict=True)]


def test_required_engines_are_there():
    assert set(REQUIRED) <= {*engines, "amsynth"}


def test_fresh_preset_is_heard(make: Make):
    sound = make().render(make.space.default(), NOTE, RATE)

    assert np.abs(sound).max() > 0.01


def test_same_call_same_samples_on_one_engine_whatever_came_between(make: Make):
    engine = make()
    count = affordable(make, 12)
    points, notes = draw_presets(make.space, count), draw_notes(count)
    forward = [engine.render(point, note, RATE) for point, note in zip(points, notes, strict=True)]

    engine.render(points[0], NOTE, 48_000)
    backward = [engine.render(point, note, RATE) for point, note in zip(points[::-1], notes[::-1], strict=True)]

    for first, second in zip(forward, backward[::-1], strict=True):
        np.testing.assert_array_equal(first, second)


def test_same_call_same_samples_on_a_fresh_engine(make: Make):
    used = make()
    count = affordable(make, 12)
    for point, note in zip(draw_presets(make.space, count), draw_notes(count), strict=True):
        np.testing.assert_array_equal(used.render(point, note, RATE), make().render(point, note, RATE))


def test_same_call_same_samples_on_several_threads(make: Make):
    count = affordable(make, 8)
    points, notes = draw_presets(make.space, count), draw_notes(count)
    alone = [make().render(point, note, RATE) for point, note in zip(points, notes, strict=True)]

    def play_all(_: int) -> list[np.ndarray]:
        engine = make()
        return [engine.render(point, note, RATE) for point, note in zip(points, notes, strict=True)]

    with ThreadPoolExecutor(4) as pool:
        for sounds in pool.map(play_all, range(4)):
            for sound, expected in zip(sounds, alone, strict=True):
                np.testing.assert_array_equal(sound, expected)


def test_a_sound_that_was_given_does_not_change(make: Make):
    engine = make()
    sound = engine.render(make.space.default(), NOTE, RATE)
    before = sound.copy()

    for point in draw_presets(make.space, 4):
        engine.render(point, NOTE, RATE)

    np.testing.assert_array_equal(sound, before)


def test_a_sound_belongs_to_who_asked_for_it(make: Make):
    sound = make().render(make.space.default(), NOTE, RATE)

    sound *= 0.5  # neither torch nor a user can work with what cannot be written


def test_the_point_is_only_read(make: Make):
    point = draw_presets(make.space, 1)[0]
    before = point.copy()
    point.flags.writeable = False

    make().render(point, NOTE, RATE)

    np.testing.assert_array_equal(point, before)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("length", [0.01, 0.1234567, 1.0])
def test_length_is_the_notes(make: Make, rate: int, length: float):
    sound = make().render(make.space.default(), Note(hold=0.05, length=length), rate)

    assert sound.shape == (round(length * rate),)


def test_a_shorter_recording_is_the_beginning_of_a_longer_one(make: Make):
    """But for its last samples: Vital fades 200. The studio plays the first part of a note before it has the whole."""
    engine, count = make(), affordable(make, 16)
    for point, note in zip(draw_presets(make.space, count), draw_notes(count), strict=True):
        whole = engine.render(point, note, RATE)
        part = engine.render(point, replace(note, length=0.2), RATE)[:-200]
        np.testing.assert_array_equal(part, whole[: len(part)])


def test_samples_are_finite_float32(make: Make):
    engine, count = make(), affordable(make, 32)
    for point, note in zip(draw_presets(make.space, count), draw_notes(count), strict=True):
        sound = engine.render(point, note, RATE)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()


def test_anywhere_in_a_cell_is_the_same_sound(make: Make):
    engine, rng = make(), np.random.default_rng(2)
    points = draw_presets(make.space, affordable(make, 12))
    cells = make.space.cells
    if not (cells > 0).any():
        pytest.skip("every parameter is continuous")
    width = np.where(cells > 0, 1 / np.maximum(cells, 1), 0.0)
    elsewhere = points + (rng.random(points.shape) - 0.5) * width

    for point, moved in zip(points, elsewhere, strict=True):
        np.testing.assert_array_equal(engine.render(point, NOTE, RATE), engine.render(moved, NOTE, RATE))


def test_decoding_and_encoding_is_the_same_sound(make: Make):
    engine = make()
    for point in draw_presets(make.space, affordable(make, 12)):
        again = make.space.encode(make.space.decode(point))
        np.testing.assert_allclose(engine.render(point, NOTE, RATE), engine.render(again, NOTE, RATE), atol=1e-6)


def test_canonical_sounds_the_same(make: Make):
    count = affordable(make, 200)
    points, notes = draw_presets(make.space, count), draw_notes(count)
    canonical = make().canonical(points)
    engine, attributes = make(), zip(points, canonical, notes, strict=True)

    for point, same, note in [pair for pair in attributes if (pair[0] != pair[1]).any()]:
        np.testing.assert_allclose(engine.render(point, note, RATE), engine.render(same, note, RATE), atol=1e-3)


def test_canonical_is_final_and_leaves_its_argument(make: Make):
    points = draw_presets(make.space, 50)
    before = points.copy()

    once = make().canonical(points)

    np.testing.assert_array_equal(make().canonical(once), once)
    np.testing.assert_array_equal(points, before)


def test_arranged_sounds_the_same_and_is_final(make: Make):
    engine, count = make(), affordable(make, 200)
    points, notes = engine.canonical(draw_presets(make.space, count)), draw_notes(count)
    before = points.copy()
    sorted_parts = engine.sorted_parts(points)

    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(engine.sorted_parts(sorted_parts), sorted_parts)
    attributes = zip(points, sorted_parts, notes, strict=True)
    for point, same, note in [pair for pair in attributes if (pair[0] != pair[1]).any()]:
        np.testing.assert_allclose(engine.render(point, note, RATE), engine.render(same, note, RATE), atol=1e-6)


def test_transposed_by_nothing_is_the_same_and_by_anything_is_a_preset(make: Make):
    engine, points = make(), draw_presets(make.space, 50)
    before = points.copy()

    same = engine.transposed(points, np.zeros(50))
    moved = engine.transposed(points, np.linspace(-2_500, 2_500, 50))

    np.testing.assert_allclose(same, points, atol=1e-12)
    assert moved.shape == points.shape
    assert ((moved >= 0) & (moved <= 1)).all()
    np.testing.assert_allclose(make.space.snap(moved), moved, atol=1e-12)
    np.testing.assert_array_equal(points, before)


def test_what_is_locked_is_not_transposed(make: Make):
    engine, points = make(), draw_presets(make.space, 50)
    free = np.random.default_rng(3).random(len(make.space)) < 0.5

    moved = engine.transposed(points, np.linspace(-2_500, 2_500, 50), free)

    np.testing.assert_allclose(moved[:, ~free], points[:, ~free], atol=1e-12)


def test_what_transposes_is_named(make: Make):
    engine, points = make(), draw_presets(make.space, 50)
    names = {name for together in make.tuning for name in together}

    assert names <= set(make.space.names)
    assert engine.tuning_step == min(make.tuning.values(), default=None)
    if not names:
        moved = engine.transposed(points, np.full(50, 1_200.0))
        np.testing.assert_allclose(moved, points, atol=1e-12)


@pytest.mark.parametrize("cents", [-1_200, -470, -35, 60, 300, 730])
def test_transposed_is_heard_to_be_as_near_as_the_synth_says(make: Make, cents: float):
    engine, fresh = make(), make.space.default()[None]
    if engine.tuning_step is None:
        pytest.skip("it cannot be transposed")
    note = Note(60, 100, hold=1.0, length=1.4)
    points = [fresh[0], engine.transposed(fresh, np.array([cents]))[0]]
    before, after = (
        fine_spectrum(torch.from_numpy(engine.render(point, note, 44_100))[None], 44_100) for point in points
    )

    moved = best_shift(after, before).cents

    # Shifts are told in steps of 10 cents.
    assert abs(float(moved) - cents) <= engine.tuning_step / 2 + 5 + 1e-6


def test_a_higher_velocity_is_never_softer_by_much(make: Make):
    engine, point = make(), make.space.default()
    soft, hard = (engine.render(point, Note(60, velocity, 0.3, 0.5), RATE).std() for velocity in (20, 127))

    assert hard >= 0.99 * soft


def test_sound_fades_after_the_key_is_up(make: Make):
    note = Note(60, 100, hold=0.5, length=2.0)
    sound = make().render(make.space.default(), note, RATE)

    held, released = sound[RATE // 4 : RATE // 2], sound[-RATE // 4 :]

    assert released.std() < 0.1 * held.std()


def test_native_format_is_a_word(make: Make):
    assert make.native.isidentifier()
