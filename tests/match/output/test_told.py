"""What is mended in a preset that is played is told."""

from pathlib import Path

import pytest

from patchflow.match.output.play import only_voice, play_file
from patchflow.presets import Preset, dx7
from patchflow.presets.formats import formats
from patchflow.presets.formats._dx7_dumps import SINGLE, frame


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A voice of a DX7 whose feedback is 9, of 0 to 7."""
    init = dx7.SPACE.decode(dx7.SPACE.default())
    data = bytearray(formats["syx"]().write([Preset("dexed", init, name="Odd")])[6:-2])
    data[135] = 9
    path = tmp_path / "odd.syx"
    path.write_bytes(frame(SINGLE, bytes(data)))
    return path


def test_of_a_preset_that_is_played(voice: Path, tmp_path: Path):
    told: list[str] = []

    played = play_file(voice, hold=0.1, length=0.2, out=tmp_path / "a.wav", tell=told.append)

    assert played.preset.values["feedback"] == 7
    assert len(told) == 1
    assert told[0].startswith(f"{voice}: voice 1 'Odd': ")
    assert "feedback" in told[0]


def test_of_a_preset_that_is_built_on(voice: Path):
    told: list[str] = []

    only_voice(voice, None, tell=told.append)

    assert len(told) == 1
