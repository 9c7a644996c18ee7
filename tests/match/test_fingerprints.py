"""Fingerprints: a sound finds the preset that made it, on other keys and of other lengths, before anything plays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchflow import models
from patchflow.engines import Note, Renderer, engines
from patchflow.engines.dexed import Dexed
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, PresetError
from patchflow.match import Matcher
from patchflow.match.fingerprints import (
    BANDS,
    KEYS,
    PARTS,
    Fingerprints,
    choose_fingerprints,
    levels_in_parts,
    note_levels,
    packed_levels,
    play_fingerprints,
    play_prints,
    print_distances,
    print_size,
    rounded,
)
from patchflow.match.proposals import FromFingerprints
from patchflow.presets import dx7

from .conftest import RATE, make_target, point_of

SHIPPED = Path(models.__file__).parent / "weights"
VOICES = (("sine", 0.1), ("sine", 1.2), ("saw", 0.02), ("saw", 0.08), ("saw", 0.3), ("saw", 1.2))


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Six presets of tone."""
    return rounded(np.stack([point_of(wave, decay) for wave, decay in VOICES]), Tone())


@pytest.fixture(scope="module")
def library(points: np.ndarray) -> Fingerprints:
    with Renderer(Tone, 1) as renderer:
        levels = play_fingerprints(points, renderer)
    made = choose_fingerprints(points, levels, Tone.space.cells)
    assert len(made) == len(VOICES)
    return made


def heard(point: np.ndarray, pitch: int, hold: float, length: float) -> np.ndarray:
    return Tone().render(point, Note(pitch, 100, hold, length), RATE)


@pytest.mark.parametrize(("hold", "length"), [(2.0, 2.75), (0.7, 1.0), (3.0, 4.0)])
@pytest.mark.parametrize("pitch", [48, 55, 60, 72, 80])
def test_a_sound_finds_the_preset_that_made_it(library: Fingerprints, pitch: int, hold: float, length: float):
    for row, point in enumerate(library.points):
        sound = heard(point, pitch, hold, length)

        distances = library.distances(sound, hold, [pitch])[:, 0]

        assert distances.argmin() == row


def test_on_a_key_that_was_played_the_distance_is_that_of_rounding(library: Fingerprints):
    sound = heard(library.points[2], KEYS[0], 2.0, 2.75)

    distance = library.distances(sound, 2.0, [KEYS[0]])[2, 0]

    assert distance <= 2.0  # half a step of 4 dB, anywhere


def test_between_two_keys_the_distances_on_both_count(library: Fingerprints):
    sound = heard(library.points[0], 60, 1.0, 1.5)
    low = replace(library, keys=library.keys[:1], levels=library.levels[:, :1])
    high = replace(library, keys=library.keys[1:], levels=library.levels[:, 1:])

    both = library.distances(sound, 1.0, [54.0])

    apart = 0.75 * low.distances(sound, 1.0, [54.0]) + 0.25 * high.distances(sound, 1.0, [54.0])
    np.testing.assert_allclose(both, apart, rtol=1e-4)


def test_a_fingerprint_counts_the_time_of_its_parts():
    _, shares = levels_in_parts(np.zeros(RATE, np.float32), 0.5)

    # 44 frames of 23 ms: 0 to 40 ms has 2, to 120 has 4, to 300 has 7, to 500 has 9; after the key 6, 9 and 7
    np.testing.assert_allclose(shares * 44, [2, 4, 7, 9, 0, 0, 6, 9, 7])


def test_a_file_is_read_as_it_was_written(library: Fingerprints, tmp_path: Path):
    path = tmp_path / "tone-fingerprints.safetensors"
    library.save(path, "tone", Tone.space, {"of": "a test"})

    again = Fingerprints.load(path, Tone.space)

    np.testing.assert_array_equal(Tone().canonical(again.points), library.points)
    np.testing.assert_array_equal(again.levels, library.levels)
    assert again.keys.tolist() == list(KEYS)


def test_every_value_of_a_large_synth_fits_a_byte():
    points = dx7.SPACE.snap(np.random.default_rng(0).random((50, len(dx7.SPACE))))

    np.testing.assert_array_equal(rounded(points, Dexed()), Dexed().canonical(points))


def test_twins_and_silent_presets_are_left_out(points: np.ndarray):
    twin = points[3].copy()
    silent = Tone.space.encode({"wave": "saw", "decay": 0.1, "gain": -60.0})
    more = np.concatenate([points, [twin, silent]])
    with Renderer(Tone, 1) as renderer:
        levels = play_fingerprints(more, renderer)
    levels[-1] = -80.0

    library = choose_fingerprints(more, levels, Tone.space.cells)

    np.testing.assert_array_equal(library.points, points)
    with pytest.raises(PresetError, match="none of 1 presets can be heard"):
        choose_fingerprints(more[-1:], levels[-1:], Tone.space.cells)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*-fingerprints.safetensors")), ids=lambda path: path.stem)
def test_shipped_libraries_are_small_and_of_their_synth(path: Path):
    library = Fingerprints.load(path, engines[path.stem.removesuffix("-fingerprints")].space)

    assert len(library) >= 1_000
    assert path.stat().st_size < 2e6
    assert path.with_suffix(".md").exists()


def test_a_file_of_another_synth_is_refused(library: Fingerprints, tmp_path: Path):
    path = tmp_path / "f.safetensors"
    library.save(path, "tone", Tone.space, {})

    with pytest.raises(ModelError, match=r"f\.safetensors: not a library of fingerprints of a synth with these param"):
        Fingerprints.load(path, dx7.SPACE)


def test_a_file_that_claims_more_than_it_holds_is_refused(library: Fingerprints, tmp_path: Path):
    path = tmp_path / "f.safetensors"
    library.save(path, "tone", Tone.space, {})
    path.write_bytes(path.read_bytes().replace(b'\\"presets\\": 6}', b'\\"presets\\": 9}'))

    with pytest.raises(ModelError, match=r"f\.safetensors: not a library of fingerprints"):
        Fingerprints.load(path, Tone.space)


def test_the_nearest_are_proposed_first_and_each_once(library: Fingerprints):
    proposer = FromFingerprints(library, Tone())
    target = make_target(library.points[5])
    rng = np.random.default_rng(0)

    first = proposer.propose(target, 60, 3, rng)
    others = proposer.propose(target, 60, 100, rng)

    np.testing.assert_array_equal(first[0], library.points[5])
    together = np.concatenate([first, others])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(library.points, axis=0))
    assert len(proposer.propose(target, 60, 4, rng)) == 0
    assert len(proposer.propose(target, 72, 4, rng)) == 4
    proposer.restart()
    np.testing.assert_array_equal(proposer.propose(target, 60, 3, rng), first)
    np.testing.assert_array_equal(proposer.propose(make_target(library.points[1]), 60, 1, rng)[0], library.points[1])


def test_presets_are_transposed_where_another_octave_is_nearer():
    engine = Dexed()
    points = rounded(engine.space.default()[None], engine)
    with Renderer(Dexed, 1) as renderer:
        library = choose_fingerprints(points, play_fingerprints(points, renderer), engine.space.cells)
    target = replace(make_target(), samples=engine.render(points[0], Note(72, 100, 0.3, 0.5), RATE), hold=0.3)

    proposed = FromFingerprints(library, engine).propose(target, 60, 1, np.random.default_rng(0))

    np.testing.assert_array_equal(proposed, engine.transposed(points, np.array([1200.0])))


def test_a_matcher_takes_the_library_that_lies_beside_the_weights(
    library: Fingerprints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))
    library.save(tmp_path / "tone-fingerprints.safetensors", "tone", Tone.space, {})
    sound = heard(library.points[4], 60, 0.3, 0.5)

    result = Matcher.load("tone").match(sound, RATE, renders=6, note=60)

    np.testing.assert_array_equal(result.candidates[0].point, library.points[4])


NOTES = (Note(60, 100, 2.0, 2.75), Note(48, 100, 0.5, 0.8))


@pytest.fixture(scope="module")
def packed(points: np.ndarray) -> np.ndarray:
    with Renderer(Tone, 1) as renderer:
        return play_prints(points, renderer, NOTES)


@pytest.mark.parametrize("pitch", [48, 55, 64])
def test_packed_a_preset_is_still_found_by_its_own_sound(packed: np.ndarray, points: np.ndarray, pitch: int):
    for row, point in enumerate(points):
        distances = print_distances(packed, [60, 48], heard(point, pitch, 1.0, 1.5), 1.0, pitch)

        assert distances.argmin() == row


def test_packed_a_level_is_half_a_byte(packed: np.ndarray):
    assert packed.shape == (len(VOICES), print_size(2))
    assert print_size(2) == 2 * BANDS * PARTS // 2
    assert print_size(3) % 4 == 0


def test_what_a_note_is_too_short_for_goes_on_as_the_first_one():
    long = np.linspace(0, -40, PARTS, dtype=np.float32)
    short = np.where(np.arange(PARTS) < 3, -10.0, np.nan)
    whole = np.where(np.arange(PARTS) < 3, -10.0, -10.0 + long - long[2])

    levels = np.broadcast_to(np.stack([long, short])[:, None], (1, 2, BANDS, PARTS))
    same = np.broadcast_to(np.stack([long, whole])[:, None], (1, 2, BANDS, PARTS))

    assert (packed_levels(levels) == packed_levels(same)).all()


def test_a_note_that_was_not_played_leaves_no_fingerprint():
    levels = np.zeros((2, 2, BANDS, PARTS), np.float32)
    levels[1, 1] = np.nan

    packed = packed_levels(levels)

    assert (packed[0] == 0).all()
    assert (packed[1] == 255).all()


def test_silence_is_as_low_as_it_can_be():
    assert (note_levels(np.zeros(22_050, np.float32), 0.5) == -80).all()
