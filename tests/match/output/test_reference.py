"""The target at full quality is the part that was searched for."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.audio.sound_file import load
from patchflow.match.output.rendition import cut_reference
from patchflow.match.target import prepare_target


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_it_is_the_searched_part_of_the_file(tmp_path: Path, rate: int):
    t = np.arange(rate // 2) / rate
    sound = np.concatenate([np.zeros(rate // 10), 0.3 * np.sin(2 * np.pi * 440 * t), np.zeros(rate // 10)])
    soundfile.write(tmp_path / "a.wav", sound, rate, subtype="FLOAT")

    heard = prepare_target(load(tmp_path / "a.wav"))
    found = cut_reference(heard, heard.rate)

    assert found.file_length == pytest.approx(0.7, abs=1e-3)
    assert found.ends == pytest.approx(0.6, abs=2e-3)
    assert abs(len(found.samples) - len(heard.samples)) <= 1
    shared = min(len(found.samples), len(heard.samples)) - 100
    np.testing.assert_allclose(found.samples[:shared], heard.samples[:shared], atol=1e-3)
