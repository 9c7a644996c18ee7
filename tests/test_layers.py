"""Imports point down: the contract in `pyproject.toml`, checked by import-linter."""

import os
import subprocess
import sys
from pathlib import Path

import patchflow

ROOT = Path(patchflow.__file__).parent.parent


def test_imports_point_down():
    done = _lint(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_import_that_points_up_is_found(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for folder in ["", *(path.parent.name for path in ROOT.glob("patchflow/*/__init__.py"))]:
        (tmp_path / "patchflow" / folder).mkdir()
        (tmp_path / "patchflow" / folder / "__init__.py").write_text("")
    for module in ROOT.glob("patchflow/*.py"):
        (tmp_path / "patchflow" / module.name).write_text("")
    (tmp_path / "patchflow" / "presets" / "bad.py").write_text("from ..match import facade\n")

    done = _lint(tmp_path)

    assert done.returncode == 1
    assert "patchflow.presets.bad -> patchflow.match" in done.stdout


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
