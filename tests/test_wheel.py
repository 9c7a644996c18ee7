"""The wheel: what is inside, and that it works away from the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import patchflow

ROOT = Path(patchflow.__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(ROOT))
    return next(folder.glob("patchflow-*.whl"))


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with everything else from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    paths = {"base": str(folder), "platbase": str(folder)}
    python = Path(sysconfig.get_path("scripts", "venv", paths)) / Path(sys.executable).name
    _run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    Path(sysconfig.get_path("purelib", "venv", paths), "parent.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


def test_licence_is_inside_and_complete(wheel: Path):
    inside = _files(wheel)
    licence = next(inside[name] for name in inside if name.endswith(".dist-info/licenses/LICENSE"))

    assert licence == (ROOT / "LICENSE").read_bytes()
    assert b"GNU GENERAL PUBLIC LICENSE" in licence
    assert b"END OF TERMS AND CONDITIONS" in licence


def test_metadata_names_licence_python_and_command(wheel: Path):
    inside = _files(wheel)
    metadata = _metadata(inside)
    commands = next(inside[name] for name in inside if name.endswith("entry_points.txt")).decode()

    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "patchflow = patchflow.cli:run" in commands


def test_every_module_and_data_file_is_inside_and_nothing_else(wheel: Path):
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "patchflow"]
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")

    tracked = {name for name in _run(*command, cwd=ROOT).splitlines() if (ROOT / name).exists()}

    assert {name for name in _files(wheel) if ".dist-info/" not in name} == tracked


def test_weights_card_and_example_are_inside(wheel: Path):
    inside = _files(wheel)
    tensors = {name: data for name, data in inside.items() if name.endswith(".safetensors")}
    banks = {name: data for name, data in tensors.items() if name.startswith("patchflow/browse/banks/")}
    ear = tensors["patchflow/ear/ear.safetensors"]
    weights = {name: tensors[name] for name in set(tensors) - set(banks) - {"patchflow/ear/ear.safetensors"}}

    assert all(name.startswith("patchflow/models/weights/") for name in weights)
    assert 0 < len(ear) < 3e6
    assert "patchflow/browse/banks/dexed.safetensors" in banks
    assert 0 < sum(map(len, banks.values())) < 3e6
    assert {"patchflow/ear/ear.md", "patchflow/browse/banks/banks.md"} <= set(inside)
    maps = {name: data for name, data in weights.items() if "attribute_map" in name}
    assert 0 < sum(map(len, weights.values())) - sum(map(len, maps.values())) < 40e6
    assert all(0 < len(data) < 4e6 for data in maps.values())
    assert any(name.startswith("patchflow/models/weights/") and name.endswith(".md") for name in inside)
    assert inside["patchflow/examples/bell.flac"].startswith(b"fLaC")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the time of a child")
def test_help_answers_in_under_300_milliseconds(away: Path):
    seconds = [_seconds(away / "patchflow", "--help") for _ in range(5)]

    assert min(seconds) < 0.3


def test_help_does_not_import_torch(away: Path):
    code = "import sys; from patchflow.cli import run; run(['--help']); print('torch' in sys.modules)"

    assert _run(str(away / "python"), "-c", code).splitlines()[-1] == "False"


def test_it_runs_from_the_wheel_and_not_from_the_checkout(away: Path):
    found = Path(_run(str(away / "python"), "-c", "import patchflow; print(patchflow.__file__)").strip())

    assert found.is_relative_to(away.parent)


def test_it_matches_its_example_with_its_own_weights(away: Path, tmp_path: Path):
    found = Path(_run(str(away / "python"), "-c", "import patchflow; print(patchflow.__path__[0])").strip())

    _run(
        str(away / "patchflow"),
        "match",
        str(found / "examples" / "bell.flac"),
        "--synth",
        "dx7",
        "--renders",
        "64",
        "--out",
        str(tmp_path),
    )

    assert {path.name for path in tmp_path.iterdir()} >= {"bell.syx", "bell.wav", "bell.png", "bell.json"}
    assert (tmp_path / "bell.syx").stat().st_size == 163


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = cwd or Path(sys.prefix)  # away from the checkout, whose folder Python would look into first
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _seconds(*command: str | Path) -> float:
    """Processor time, since other tests keep the machine busy; on an idle machine it is the time of the clock."""
    before = os.times()
    _run(*map(str, command))
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def _metadata(files: dict[str, bytes]) -> Message:
    return message_from_bytes(next(data for name, data in files.items() if name.endswith(".dist-info/METADATA")))
