"""File names that no encoding explains."""

import os
import sys
from pathlib import Path

import pytest

from patchflow.match.output.names import choose_names


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="file names are Unicode here")
def test_output_of_a_name_that_is_not_utf8_has_one_that_is():
    (names,) = choose_names([Path(os.fsdecode(b"caf\xe9.wav"))], Path("out"), (".syx",), 1)

    assert names.stem == "caf\N{REPLACEMENT CHARACTER}"
