"""A match whose synth is lost: what was found is written all the same."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio import Sound
from patchflow.engines import Note, Renderer
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError
from patchflow.match import Matcher, MatchResult
from patchflow.match.arms import Arm
from patchflow.match.output.match_files import match_files
from patchflow.match.output.names import OutputNames
from patchflow.match.output.writer import Report, Writer
from patchflow.match.proposals import FromSpace
from patchflow.presets import read_presets
from patchflow.presets.formats import formats

DIED = "tone: died 6 times in a row, the last time by SIGKILL"


class Mortal(Tone):
    """A tone engine that cannot play any more."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        raise EngineError(DIED)


def matcher_of(engine: type[Tone]) -> Matcher:
    return Matcher([Arm("tone", engine, Renderer(engine), [FromSpace(Tone.space)])])


@pytest.fixture
def result() -> MatchResult:
    sound = Tone().render(Tone.space.default(), Note(hold=0.3, length=0.5), 44_100)
    matcher = matcher_of(Tone)
    return matcher.match(Sound(sound, 44_100), renders=64, candidates=2)


def write(result: MatchResult, folder: Path, format_: str, engine: Tone) -> dict[str, object]:
    writer = Writer(["tone"])
    writer.files["tone"].format = formats[format_]()
    writer.files["tone"].players = Renderer(lambda: engine, 1)
    report = writer.write(result, Path("beep.wav"), OutputNames(folder, "beep"))
    return json.loads(report.names.summary.read_text())


def test_what_the_search_heard_is_written(result: MatchResult, tmp_path: Path):
    summary = write(replace(result, complete=False, stopped=DIED), tmp_path, "json", Tone())

    assert (summary["complete"], summary["stopped"]) == (False, DIED)
    sound, rate = soundfile.read(tmp_path / "beep.wav", dtype="float32")
    heard = result.candidates[0].sound
    assert rate == 44_100
    assert heard is not None
    gain = np.abs(sound).max() / np.abs(heard).max()
    np.testing.assert_allclose(sound[200:-200:2] / gain, heard[100:-100], atol=0.02)


def test_presets_that_only_the_synth_could_write_are_written_in_our_own_format(result: MatchResult, tmp_path: Path):
    summary = write(result, tmp_path, "fxp", Mortal())

    assert (summary["complete"], summary["stopped"]) == (False, DIED)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "beep-2.preset.json", "beep-2.wav", "beep-ab.wav", "beep.json", "beep.png", "beep.preset.json", "beep.wav",
    ]  # fmt: skip
    (best,) = read_presets(tmp_path / "beep.preset.json").presets
    assert dict(best.values) in [dict(candidate.preset.values) for candidate in result.candidates]


def test_a_later_match_takes_away_what_was_written_in_our_own_format(result: MatchResult, tmp_path: Path):
    write(result, tmp_path, "fxp", Mortal())

    writer = Writer(["tone"])
    files = writer.files["tone"]
    files.format = formats["vital"]()  # another ending, as that of another format
    files.format.write = lambda presets: b"{}"  # type: ignore[method-assign]
    writer.write(result, Path("beep.wav"), OutputNames(tmp_path, "beep"))

    assert not list(tmp_path.glob("*.preset.json"))


def test_a_synth_that_is_lost_is_an_error_if_no_sound_was_kept(result: MatchResult, tmp_path: Path):
    silent = replace(result, candidates=tuple(replace(each, sound=None) for each in result.candidates))

    with pytest.raises(EngineError, match="died 6 times"):
        write(silent, tmp_path, "json", Mortal())

    assert not list(tmp_path.iterdir())


class MortalOnce(Tone):
    """A tone engine that dies in the first search, and lives again."""

    left = 40  # presets to play until then

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        MortalOnce.left -= 1
        if MortalOnce.left == 0:
            raise EngineError(DIED)
        return super().render(point, note, rate)


def test_a_synth_that_was_lost_for_one_sound_is_tried_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Matcher, "load", lambda *_, **__: matcher_of(MortalOnce))
    sounds = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for sound in sounds:
        soundfile.write(sound, Tone().render(Tone.space.default(), Note(hold=0.3, length=0.5)), 44_100)

    reports = list(match_files("tone", sounds, tmp_path / "out", renders=64, candidates=1))

    ended = [(each.summary["stopped"], each.summary["complete"]) for each in reports if isinstance(each, Report)]
    assert ended == [(DIED, False), (None, True)]


def test_the_numbers_say_what_the_time_went_into(result: MatchResult, tmp_path: Path):
    timing = write(result, tmp_path, "json", Tone())["timing"]

    assert isinstance(timing, dict)
    assert list(timing) == ["loading_s", "search_s", "writing_s"]
    assert timing["search_s"] == round(result.seconds, 3)
    assert 0 < timing["writing_s"] < 60
