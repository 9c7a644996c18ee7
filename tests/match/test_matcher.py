"""The facade, from a sound to presets that play it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import patchflow
from patchflow.audio import Sound, save
from patchflow.audio.note_names import note_name
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import AudioError, ModelError, OptionError, PresetError, StorageError, UnknownName
from patchflow.match import Matcher, MatchResult, Progress
from patchflow.match.matcher import encode_locks
from patchflow.match.proposals import FromModel
from patchflow.metrics.log_mel_l1 import log_mel_l1
from patchflow.models import models, save_model
from patchflow.models.posterior import Posterior
from patchflow.presets import Preset
from patchflow.presets.library.library import Library

from .conftest import RATE, point_of


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher.load("tone")


def beep(point: np.ndarray | None = None, pitch: int = 57, length: float = 0.6) -> Sound:
    note = Note(pitch, 100, 0.6 * length, length)
    return Sound(Tone().render(point_of("saw") if point is None else point, note, RATE), RATE)


def same(first: MatchResult, second: MatchResult) -> bool:
    pairs = zip(first.candidates, second.candidates, strict=True)
    return first.uncertainty == second.uncertainty and all(
        a.preset == b.preset and a.note == b.note and a.distances == b.distances and a.renders == b.renders
        for a, b in pairs
    )


def test_the_package_offers_it():
    assert patchflow.Matcher is Matcher


@pytest.mark.parametrize("wave", ["sine", "saw"])
def test_it_hears_which_wave_it_is(wave: str, matcher: Matcher):
    result = matcher.match(beep(point_of(wave, 0.25)), renders=250)

    best = result.candidates[0]
    assert best.preset.values["wave"] == wave
    assert best.preset.values["decay"] == pytest.approx(0.25, rel=0.25)
    assert best.note.pitch == 57
    assert best.distances["log_mel_l1"] < 1.5


def test_candidates_are_best_first_and_played_like_the_target(matcher: Matcher):
    result = matcher.match(beep(), renders=150, candidates=3, lock={"gain": -6.0})  # a faint one would come later

    found = [candidate.distances["log_mel_l1"] for candidate in result.candidates]
    assert len(found) == 3
    assert found == sorted(found)
    for candidate in result.candidates:
        assert candidate.note.length == result.target.length
        assert candidate.note.hold == result.target.hold
        assert 0 < candidate.renders <= result.renders == 150


@pytest.mark.parametrize("synth", ["tone", "dexed"])
def test_the_preset_alone_gives_the_distance_again(synth: str):
    result = Matcher.load(synth).match(beep(), renders=20, candidates=2)
    engine, target = engines[synth](), torch.from_numpy(result.target.samples)[None]

    for candidate in result.candidates:
        sound = engine.render(engine.space.encode(candidate.preset.values), candidate.note, result.target.rate)
        again = log_mel_l1(torch.from_numpy(sound)[None], target, result.target.rate).item()
        assert again == pytest.approx(candidate.distances["log_mel_l1"], abs=1e-5 if synth == "dexed" else 1e-3)


def test_values_are_those_of_the_point(matcher: Matcher):
    for candidate in matcher.match(beep(), renders=60).candidates:
        np.testing.assert_allclose(Tone.space.encode(candidate.preset.values), candidate.point, atol=1e-9)


def test_the_same_seed_gives_the_same(matcher: Matcher):
    first, second, other = (matcher.match(beep(), renders=120, seed=seed) for seed in (7, 7, 8))

    assert same(first, second)
    assert not same(first, other)


def test_a_fresh_matcher_gives_the_same(matcher: Matcher):
    assert same(matcher.match(beep(), renders=60), Matcher.load("tone").match(beep(), renders=60))


def test_one_sound_after_another_is_as_each_alone(tmp_path: Path):
    torch.manual_seed(0)
    model = Posterior(Tone.space, width=4, context=8, hidden=8, transforms=2, bins=4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.5 * torch.randn_like(weight))
    save_model(tmp_path / "tone.safetensors", model, "posterior", "tone")
    matcher = Matcher.load("tone", tmp_path / "tone.safetensors")

    for pitch in (45, 57, 69):
        alone = Matcher.load("tone", tmp_path / "tone.safetensors").match(beep(pitch=pitch), renders=30, note=pitch)
        assert same(matcher.match(beep(pitch=pitch), renders=30, note=pitch), alone)


def test_a_file_gives_its_name_to_the_presets(matcher: Matcher, tmp_path: Path):
    save(tmp_path / "My Bell.wav", beep().samples, RATE)

    result = matcher.match(tmp_path / "My Bell.wav", renders=5)

    assert result.target.name == "My Bell.wav"
    assert {candidate.preset.name for candidate in result.candidates} == {"My Bell"}
    assert same(result, matcher.match(str(tmp_path / "My Bell.wav"), renders=5))


def test_a_given_note_is_played(matcher: Matcher):
    result = matcher.match(beep(), renders=40, note=70)

    assert {candidate.note.pitch for candidate in result.candidates} == {70}


def test_a_locked_parameter_keeps_its_value(matcher: Matcher):
    result = matcher.match(beep(), renders=150, lock={"wave": "sine", "gain": -20.0})

    for candidate in result.candidates:
        assert candidate.preset.values["wave"] == "sine"
        assert candidate.preset.values["gain"] == pytest.approx(-20)
    assert result.uncertainty["wave"] == result.uncertainty["gain"] == 0


def test_a_locked_group_keeps_its_defaults(matcher: Matcher):
    result = matcher.match(beep(), renders=60, lock={"amp": None})

    for candidate in result.candidates:
        assert candidate.preset.values["decay"] == pytest.approx(1.0)
        assert candidate.preset.values["gain"] == pytest.approx(-6.0)


def test_a_library_is_searched(tmp_path: Path):
    rng = np.random.default_rng(0)
    points = rng.random((12, 3))
    points[:, 1:] = np.stack((np.linspace(0.04, 0.96, 12), np.linspace(0.6, 1.0, 12)), 1)  # no two sound alike
    presets = [Preset("tone", Tone.space.decode(point), name=str(i)) for i, point in enumerate(points)]
    Library(tmp_path / "l.sqlite").add(presets, lambda synth: engines[synth].space)
    target = beep(Tone.space.encode(presets[5].values))

    result = Matcher.load("tone", library=tmp_path / "l.sqlite").match(target, renders=12, note=57)

    assert result.candidates[0].preset.values == pytest.approx(presets[5].values)


def test_a_library_without_presets_of_the_synth_changes_nothing(matcher: Matcher, tmp_path: Path):
    Library(tmp_path / "l.sqlite").add([], lambda synth: engines[synth].space)

    result = Matcher.load("tone", library=tmp_path / "l.sqlite").match(beep(), renders=30)

    assert same(result, matcher.match(beep(), renders=30))


def test_a_missing_library_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"none\.sqlite"):
        Matcher.load("tone", library=tmp_path / "none.sqlite")


def test_ctrl_c_keeps_the_best_so_far(matcher: Matcher):
    def interrupt(state: Progress) -> None:
        raise KeyboardInterrupt

    result = matcher.match(beep(), renders=1_000_000, progress=interrupt)

    assert not result.complete
    assert 0 < result.renders <= 16
    assert result.candidates


def test_seconds_are_the_default_and_end_the_search(matcher: Matcher):
    result = matcher.match(beep(), seconds=0.2)

    assert result.complete
    assert 0 < result.seconds < 30


def test_torch_has_its_threads_back_afterwards(matcher: Matcher):
    before = torch.get_num_threads()

    matcher.match(beep(), renders=5)

    assert torch.get_num_threads() == before


@pytest.mark.parametrize("length", [0.0101, 0.02, 0.06])
def test_the_shortest_sounds_are_matched(length: float, matcher: Matcher):
    rate = 44_100
    samples = np.sin(0.2 * np.arange(np.ceil(length * rate))).astype(np.float32)

    assert matcher.match(Sound(samples, rate), renders=40).candidates


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 1.0, "renders": 5}, "seconds=1 and renders=5: give one of them"),
        ({"renders": 0}, r"renders=0: not in \[1, 10000000\]"),
        ({"renders": 10_000_001}, r"renders=10000001: not in"),
        ({"seconds": 0.0}, r"seconds=0: not in \(0, 86400\]"),
        ({"seconds": -1.0}, "seconds=-1: not in"),
        ({"seconds": float("nan")}, "seconds=nan: not in"),
        ({"seconds": float("inf")}, "seconds=inf: not in"),
        ({"candidates": 0}, r"candidates=0: not in \[1, 32\]"),
        ({"candidates": 33}, "candidates=33: not in"),
        ({"seed": -1}, "seed=-1: not in"),
        ({"seed": 2**63}, "seed=9223372036854775808: not in"),
        ({"note": 128}, "note=128: not in"),
        ({"trim_db": 1.0}, "trim_db=1: not in"),
        ({"lock": {"osc": "sine"}}, "lock osc='sine': osc is a group"),
    ],
    ids=str,
)
def test_an_impossible_option_is_refused(options: dict[str, Any], message: str, matcher: Matcher):
    with pytest.raises(OptionError, match=message):
        matcher.match(beep(), **options)


def test_options_are_checked_before_the_file_is_read(matcher: Matcher):
    with pytest.raises(OptionError, match="renders=0"):
        matcher.match("missing.wav", renders=0)


def test_an_unknown_synth_is_refused_with_a_suggestion():
    with pytest.raises(UnknownName, match="no synth named 'dexd'. Did you mean 'dexed'"):
        Matcher.load("dexd")


@pytest.mark.parametrize(
    "make",
    [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("x")],
    ids=["missing", "folder", "text"],
)
def test_bad_weights_are_named(make: Callable[[Path], object], tmp_path: Path):
    make(tmp_path / "m.safetensors")

    with pytest.raises(ModelError, match=r"m\.safetensors"):
        Matcher.load("tone", model=tmp_path / "m.safetensors")


def test_weights_of_another_synth_are_refused(tmp_path: Path):
    model = Posterior(Tone.space, width=4, context=8, hidden=8, transforms=2, bins=4)
    save_model(tmp_path / "m.safetensors", model, "posterior", "tone")

    with pytest.raises(ModelError, match="trained for synth 'tone'"):
        Matcher.load("dexed", model=tmp_path / "m.safetensors")


def test_weights_are_found_by_the_name_of_their_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))
    model = models["flow_reg"](Tone.space, channels=4, hidden=8, steps=2, flow_hidden=8)
    save_model(tmp_path / "tone-flow_reg.safetensors", model, "flow_reg", "tone")

    proposer = Matcher.load("tone", model="flow_reg").arms[0].proposers[0]

    assert isinstance(proposer, FromModel)
    assert type(proposer.model) is type(model)


def test_a_missing_sound_is_named(matcher: Matcher):
    with pytest.raises(StorageError, match=r"missing\.wav"):
        matcher.match("missing.wav", renders=1)


def test_a_file_that_is_no_sound_is_named(matcher: Matcher, tmp_path: Path):
    (tmp_path / "text.wav").write_text("not a sound")

    with pytest.raises(AudioError, match=r"text\.wav"):
        matcher.match(tmp_path / "text.wav", renders=1)


def test_locks_are_encoded():
    locked = encode_locks(Tone.space, {"wave": "saw", "gain": None})

    assert locked == {0: 0.75, 2: pytest.approx(0.9)}


def test_a_group_is_locked_at_its_defaults():
    default = Tone.space.default()

    assert encode_locks(Tone.space, {"amp": None}) == {1: default[1], 2: default[2]}


def test_a_later_lock_beats_an_earlier_one():
    assert encode_locks(Tone.space, {"amp": None, "gain": -60.0})[2] == 0


@pytest.mark.parametrize(
    ("lock", "error", "message"),
    [
        ({"waves": "saw"}, UnknownName, "no parameter or group named 'waves'. Did you mean 'wave'"),
        ({"wave": "square"}, PresetError, "wave='square': not one of sine, saw"),
        ({"gain": 3.0}, PresetError, r"gain=3.0: not in \[-60, 0\] dB"),
        ({"gain": "loud"}, PresetError, "gain='loud'"),
        ({"amp": 3}, OptionError, "lock amp=3: amp is a group"),
    ],
    ids=str,
)
def test_a_bad_lock_is_refused(lock: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        encode_locks(Tone.space, lock)


def test_a_match_waits_for_no_import_of_the_report():
    code = (
        "import sys, numpy as np\n"
        "from patchflow import Matcher\n"
        "from patchflow.audio import Sound\n"
        "beep = Sound(np.sin(np.arange(11_025) * 0.1).astype(np.float32), 22_050)\n"
        "Matcher.load('tone').match(beep, renders=16)\n"
        "print(set(sys.modules) & {'pyloudnorm', 'scipy.signal', 'matplotlib.figure', 'librosa'})"
    )
    root = Path(patchflow.__file__).parents[1]

    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_an_array_is_matched_as_the_recording_it_is(matcher: Matcher):
    beep = np.sin(np.arange(11_025) * 0.1).astype(np.float32)

    found = [
        matcher.match(*sound, renders=32, candidates=1).candidates[0].preset.values
        for sound in [(Sound(beep, 22_050),), (beep, 22_050), (np.stack([beep, beep], 1), 22_050)]
    ]

    assert found[0] == found[1] == found[2]


def test_a_result_is_shown_in_one_line(matcher: Matcher):
    result = matcher.match(np.sin(np.arange(11_025) * 0.1), 22_050, renders=32, candidates=1)
    best = result.candidates[0]

    near = f"{best.closeness} at {best.distances['perceptual']:.2f} dB"
    assert repr(result) == f"MatchResult(1 candidate; best: {near}, on {note_name(best.note.pitch)}, {best.tuning})"


def test_only_an_array_has_a_rate(matcher: Matcher):
    beep = np.sin(np.arange(11_025) * 0.1)

    with pytest.raises(OptionError, match="rate=None: an array needs its sample rate"):
        matcher.match(beep, renders=1)
    with pytest.raises(OptionError, match="rate=22050: only an array is given one"):
        matcher.match("beep.wav", 22_050, renders=1)


def test_a_candidate_is_heard_as_the_synth_plays_it(matcher: Matcher):
    beep = np.sin(np.arange(11_025) * 0.1)
    candidate = matcher.match(beep, 22_050, renders=32, candidates=1).candidates[0]

    samples, rate = candidate.audio

    assert rate == candidate.audio.rate == 44_100
    assert candidate.audio is candidate.audio
    np.testing.assert_array_equal(samples, Tone().render(candidate.point, candidate.note, 44_100))
    assert len(samples) == round(candidate.note.length * 44_100)
