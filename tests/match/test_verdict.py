"""The verdict on a candidate: words for a distance, tuning, and what else differs."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.audio import Sound
from patchflow.audio.pitch import NoteGuess, Pitch, estimate_pitch
from patchflow.engines import Note, engines
from patchflow.features.log_spectrum import PARTIALS, best_shift, fine_spectrum
from patchflow.match import Matcher, Target
from patchflow.match.limits import Budget
from patchflow.match.target import prepare_target
from patchflow.match.verdict import (
    CLOSENESS,
    FARTHEST,
    LEAST,
    Difference,
    Judge,
    Judgement,
    closeness,
    interval_between,
    remarks,
    tuning_text,
)
from patchflow.metrics.perceptual import WEIGHTS

RATE = 22_050
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "closeness.json"
TIME = np.arange(RATE) / RATE


def tone(hz: float, decay: float = 0.3, attack: float = 0.0) -> np.ndarray:
    rise = np.minimum(TIME / attack, 1) if attack else 1.0
    partials = [np.sin(2 * np.pi * hz * k * TIME) / k for k in range(1, 9)]
    return (0.2 * rise * np.exp(-TIME / decay) * sum(partials)).astype(np.float32)


def judged(candidate: np.ndarray, target: np.ndarray, pitched: bool = True, hold: float = np.inf) -> Judgement:
    return Judge(target, RATE, pitched=pitched, hold=hold).verdict(candidate)


def difference(name: str, verdict: Judgement) -> Difference:
    return next(each for each in verdict.differences if each.name == name)


def test_the_words_hold_as_far_as_their_benchmark_says():
    measured = json.loads(RESULTS.read_text())

    assert dict(CLOSENESS) == {word: found["at_most_db"] for word, found in measured["words"].items()}
    assert dict(LEAST) == measured["least"]
    # Measured with other weights the words would stand for other sounds.
    assert (measured["metric"], measured["weights"]) == ("perceptual", WEIGHTS)


def test_every_word_holds_up_to_its_limit_and_the_next_from_there_on():
    words = [*CLOSENESS, FARTHEST]

    assert list(CLOSENESS.values()) == sorted(CLOSENESS.values())
    assert [closeness(most) for most in CLOSENESS.values()] == words[:-1]
    assert [closeness(most + 0.01) for most in CLOSENESS.values()] == words[1:]


def test_what_is_out_of_tune_is_never_the_same():
    limit = CLOSENESS["the same"]

    assert [closeness(limit, cents) for cents in (0.0, 4.0, -20.0, 30.0)] == [
        "the same",
        "the same",
        "a twin",
        "a twin",
    ]
    assert closeness(limit + 0.01, 30.0) == "a twin"
    assert closeness(limit, unlike=True) == "a twin"


@pytest.mark.parametrize("note", [28, 40, 60, 84])
@pytest.mark.parametrize("cents", [-1265, -30, 0, 50, 200])
def test_cents_are_told_in_the_bass_as_in_the_treble(note, cents):
    hz = 440 * 2 ** ((note - 69) / 12)

    found = judged(tone(hz * 2 ** (cents / 1200)), tone(hz)).cents

    assert found == pytest.approx(cents, abs=15)


def test_a_sound_in_tune_is_exactly_in_tune():
    verdict = judged(0.1 * tone(65.4), tone(65.4))

    assert (verdict.cents, verdict.tuning, verdict.text) == (0.0, "in tune", "")


def sine(pitch: float) -> np.ndarray:
    return np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * TIME).astype(np.float32)


@pytest.mark.parametrize(
    ("semitones", "said"), [(24, "2 octaves high"), (-24, "2 octaves low"), (-12, "an octave low"), (0, "in tune")]
)
def test_octaves_of_a_sine_are_told(semitones: int, said: str):
    verdict = judged(sine(60 + semitones), sine(60))

    assert verdict.tuning == said
    assert verdict.cents == pytest.approx(100 * semitones, abs=4)


def test_noise_is_not_in_tune_with_a_tone():
    verdict = judged(NOISE, tone(440))

    assert (verdict.cents, verdict.unlike, verdict.tuning) == (None, True, "pitch unlike")
    assert not remarks(verdict, Note(36), C2, {})


def drone(note: float, multiples: Iterable[int]) -> np.ndarray:
    hz = 440 * 2 ** ((note - 69) / 12)
    partials = [np.sin(2 * np.pi * hz * k * TIME) for k in multiples]
    return (0.1 * np.sum(partials, 0)).astype(np.float32)


OTHER_PARTIALS = {
    "a hollow square for a sine": ((1, 3, 5, 7, 9, 11, 13), (1,)),
    "an organ for a flute": ((1, 2, 3, 4, 6, 8, 10, 12, 16), (1,)),
    "no fundamental for a sine": (tuple(range(2, 13)), (1,)),
}


@pytest.mark.parametrize("kind", OTHER_PARTIALS)
@pytest.mark.parametrize(("cents", "said"), [(0, "in tune"), (35, "3. cents sharp"), (-60, "(59|60|61) cents flat")])
def test_the_same_note_with_other_partials_is_told_by_its_own_pitch(kind: str, cents: int, said: str):
    own, others = OTHER_PARTIALS[kind]
    candidate = drone(36 + cents / 100, own)
    target = drone(36, others)
    fine = fine_spectrum(torch.from_numpy(np.stack([candidate, target])), RATE)

    verdict = judged(candidate, target)

    assert best_shift(fine[:1], fine[1:]).agreement.item() < PARTIALS  # the spectra tell nothing
    assert re.fullmatch(said, verdict.tuning)
    assert verdict.cents == pytest.approx(cents, abs=3)
    assert (verdict.unlike, verdict.octaves) == (False, 0)


@pytest.mark.parametrize(("octaves", "said"), [(1, "an octave high"), (-1, "an octave low")])
def test_an_octave_that_is_sure_is_told_by_pitches(octaves: int, said: str):
    verdict = judged(drone(48 + 12 * octaves, range(2, 13)), drone(48, (1,)))

    assert (verdict.tuning, verdict.octaves) == (said, 0)


def test_spectra_that_agree_nowhere_better_contradict_another_pitch():
    low = drone(48, (1, 2, 3, 4, 6, 8, 10, 12, 16))

    verdict = judged(low, drone(48 + 12 * np.log2(3), (1,)))

    assert interval_between(estimate_pitch(low, RATE), estimate_pitch(drone(67.02, (1,)), RATE))
    assert (verdict.cents, verdict.tuning) == (None, "pitch unlike")


def pitch(sounding: float, confidence: float) -> Pitch:
    guesses = (NoteGuess(round(sounding), confidence), NoteGuess(round(sounding) - 12, 0.1))
    return Pitch(guesses, pitched=True, sounding=sounding)


@pytest.mark.parametrize(
    ("candidate", "target", "expected"),
    [
        (pitch(48.03, 0.78), pitch(60.0, 0.78), (-1197, 0)),
        (pitch(48.03, 0.65), pitch(60.0, 0.78), (3, -1)),
        (pitch(84.0, 0.78), pitch(60.4, 0.65), (-40, 2)),
        (pitch(67.0, 0.65), pitch(60.0, 0.65), (700, 0)),
        (pitch(60.4, 0.62), pitch(60.0, 0.62), (40, 0)),
    ],
)
def test_an_octave_that_is_not_sure_is_not_told_as_cents(candidate: Pitch, target: Pitch, expected: tuple[int, int]):
    found = interval_between(candidate, target)

    assert found
    assert (found.cents, found.octaves) == (pytest.approx(expected[0], abs=1e-6), expected[1])


@pytest.mark.parametrize("unsure", [pitch(60.0, 0.45), Pitch((NoteGuess(60, 0.08),), pitched=False, sounding=None)])
def test_no_interval_is_told_where_a_pitch_is_not_sure(unsure: Pitch):
    sure = pitch(60.0, 0.8)

    assert interval_between(unsure, sure) is None
    assert interval_between(sure, unsure) is None


@pytest.mark.parametrize(
    ("octaves", "said"),
    [(-1, "it may sound an octave lower"), (1, "it may sound an octave higher"), (2, "it may sound 2 octaves higher")],
)
def test_an_octave_that_is_not_sure_is_remarked(octaves: int, said: str):
    assert remarks(Judgement(0.0, (), octaves=octaves), Note(36), C2, {}) == (f"its octave is not sure: {said}",)


def test_the_result_tells_the_same_as_its_files_where_the_partials_are_others(tmp_path: Path):
    target = Sound(drone(36.35, range(2, 13)), RATE)

    result = Matcher.load("tone").match(target, note=36, lock={"wave": "sine", "decay": 4.0}, renders=16, candidates=1)
    result.save(tmp_path, "a")

    (best,) = result.candidates
    (written,) = json.loads((tmp_path / "a.json").read_text())["candidates"]
    assert best.tuning == written["tuning"] == "35 cents flat"
    assert best.cents == pytest.approx(written["cents"], abs=2)
    assert written["sounding_note"] == "C2"


def test_no_pitch_in_common_is_told_and_no_number_is_invented(tmp_path: Path):
    target = replace(prepare_target(Sound(NOISE, RATE)), pitched=True)

    result = Matcher.load("tone").match_target(target, Budget(renders=16), candidates=1)
    result.save(tmp_path, "a")

    (best,) = result.candidates
    (written,) = json.loads((tmp_path / "a.json").read_text())["candidates"]
    assert (best.cents, best.sounding, best.tuning) == (None, None, "pitch unlike")
    assert written["tuning"] == "pitch unlike"
    assert [written[name] for name in ("cents", "sounding_hz", "sounding_note")] == [None] * 3


@pytest.mark.parametrize(
    ("cents", "said"),
    [
        (-1_160.0, "1,160 cents low"),
        (1_300.0, "an octave and 100 cents high"),
        (-1_310.0, "1,310 cents low"),
        (2_397.0, "2 octaves high"),
        (-2_440.0, "2 octaves and 40 cents low"),
        (1_090.0, "1,090 cents sharp"),
    ],
)
def test_large_intervals_are_told_in_octaves_or_cents(cents: float, said: str):
    assert tuning_text(cents) == said


def test_what_has_no_pitch_is_not_out_of_tune():
    verdict = judged(tone(70.0), tone(65.4), pitched=False)

    assert (verdict.cents, verdict.tuning) == (None, "")


def test_a_slower_attack_is_told_in_milliseconds():
    verdict = judged(tone(440, 5.0, attack=0.25), tone(440, 5.0, attack=0.05))

    assert verdict.differences[0].name == "attack"
    assert re.fullmatch(r"attack 1[56]\d ms slower", verdict.text)


def test_what_dies_away_earlier_says_so():
    verdict = judged(tone(440, 0.05), tone(440, 0.25))

    assert difference("length", verdict).target == pytest.approx(0.25 * np.log(10), abs=0.02)
    assert re.fullmatch(r"dies away 4[4-8]\d ms earlier", difference("length", verdict).text)


def test_a_release_begins_when_the_key_is_up():
    def released(seconds: float) -> np.ndarray:
        return (tone(440, 50.0) * np.exp(-np.maximum(TIME - 0.5, 0) / seconds)).astype(np.float32)

    verdict = judged(released(0.1), released(0.02), hold=0.5)

    assert difference("release", verdict).target == pytest.approx(0.02 * np.log(10), abs=0.01)
    assert re.fullmatch(r"release 1[789]\d ms longer", difference("release", verdict).text)


def test_a_sound_that_died_away_before_has_no_release():
    verdict = judged(tone(440, 0.05), tone(440, 0.05), hold=0.8)

    assert "release" not in {each.name for each in verdict.differences}


def test_twice_the_frequency_is_twice_as_bright():
    low = np.sin(2 * np.pi * 500 * TIME).astype(np.float32)
    high = np.sin(2 * np.pi * 1000 * TIME).astype(np.float32)

    found = difference("brightness", judged(high, low))

    assert (found.unit, found.counts) == ("Hz", True)
    assert re.fullmatch(r"(9\d|10\d)% brighter", found.text)


def test_silence_can_be_judged():
    verdict = judged(np.zeros(RATE, np.float32), tone(440))

    assert verdict.cents is None


NOISE = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
C2 = Target(tone(65.4), RATE, (NoteGuess(36, 0.8), NoteGuess(48, 0.1)), 0.5)


@pytest.mark.parametrize(
    ("cents", "pitch", "said"),
    [
        (0.0, 36, ()),
        (-1265.0, 36, ("plays C2, sounds B0 +35 cents; the target is C2",)),
        (0.0, 48, ("plays C3, sounds C2 as the target does",)),
        (None, 36, ()),
        (None, 48, ("the likeliest note is C2, but on C3 the search came nearer",)),
    ],
)
def test_a_key_that_is_not_what_sounds_is_explained(cents, pitch, said):
    assert remarks(Judgement(cents, ()), Note(pitch), C2, {}) == said


def test_of_a_drum_no_other_note_is_likelier():
    drum = replace(C2, pitched=False)

    assert remarks(Judgement(None, ()), Note(48), drum, {}) == ()


@pytest.mark.parametrize(("cents", "said"), [(40.0, True), (-15.0, True), (9.0, False), (0.0, False), (None, False)])
def test_a_synth_that_stays_on_the_keys_says_so_where_it_is_out_of_tune(cents: float | None, said: bool):
    line = "presets stay on the keys"

    assert (line in remarks(Judgement(cents, ()), Note(36), C2, {"tuning": line})) is said


def test_what_the_synth_cannot_do_is_said_where_it_is_missing():
    lacks = engines["dexed"].lacks
    breath = judged(tone(440), tone(440) + 0.1 * NOISE)
    clean = judged(tone(440) + 0.1 * NOISE, tone(440))

    assert remarks(breath, Note(36), C2, lacks)[-1] == "less noise: a DX7 has no source of noise"
    assert not remarks(judged(tone(440), tone(440)), Note(36), C2, lacks)
    assert not [each for each in remarks(clean, Note(36), C2, lacks) if "noise" in each]
    assert not [each for each in remarks(breath, Note(36), C2, {}) if "noise" in each]


def test_a_synth_with_fewer_parameters_lacks_what_its_synth_lacks():
    assert engines["dexed_16"].lacks == engines["dexed"].lacks != {}
    assert engines["vital"].lacks == {}
