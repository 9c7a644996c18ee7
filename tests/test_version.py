"""Results say which code made them."""

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import patchflow
from patchflow import version

ROOT = Path(patchflow.__file__).parent.parent


def test_the_version_is_that_of_the_package():
    assert version.version() == metadata.version("patchflow")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_the_commit_is_that_of_the_checkout():
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    assert version.commit().removesuffix("-dirty") == head
