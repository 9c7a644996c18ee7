"""The example sound is what its script makes."""

import runpy
from pathlib import Path

import numpy as np
import soundfile

import patchflow

ROOT = Path(patchflow.__file__).parent


def test_the_bell_is_made_by_its_script():
    script = runpy.run_path(str(ROOT.parent / "docs" / "make_example.py"))

    sound, rate = soundfile.read(ROOT / "examples" / "bell.flac")

    assert rate == script["RATE"]
    np.testing.assert_allclose(sound, script["bell"](), atol=1e-4)
