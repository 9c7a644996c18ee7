"""Real plug-ins for tests: amsynth where it is installed, and a small one that is compiled and can misbehave."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

AMSYNTH = Path(os.environ.get("PATCHFLOW_AMSYNTH", "/usr/lib/vst/amsynth_vst.so"))
BANKS = Path("/usr/share/amsynth/banks")


@pytest.fixture(scope="session")
def amsynth_plugin() -> Path:
    """The plug-in's file."""
    missing = [] if AMSYNTH.exists() else [f"{AMSYNTH} is not there: apt-get install amsynth"]
    if importlib.util.find_spec("dawdreamer") is None:
        missing.append("the package dawdreamer is not installed")
    if missing and "amsynth" in os.environ.get("PATCHFLOW_REQUIRED_ENGINES", "").split():
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))
    return AMSYNTH


@pytest.fixture(scope="session")
def amsynth_described(amsynth_plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with its description, as `patchflow synth add` writes it."""
    from patchflow.plugins import add_synth

    folder = tmp_path_factory.mktemp("synths")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHFLOW_SYNTHS", str(folder))
        add_synth(str(amsynth_plugin), "amsynth")
    return folder


@pytest.fixture
def amsynth(amsynth_described: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name under which it is a synth."""
    monkeypatch.setenv("PATCHFLOW_SYNTHS", str(amsynth_described))
    return "amsynth"


@pytest.fixture
def amsynth_banks(amsynth: str) -> Path:
    """The folder of the banks that come with it."""
    if not BANKS.is_dir():
        pytest.skip(f"{BANKS} is not there: apt-get install amsynth")
    return BANKS


@pytest.fixture
def synths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for descriptions."""
    folder = tmp_path / "synths"
    monkeypatch.setenv("PATCHFLOW_SYNTHS", str(folder))
    return folder


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compiles the small plug-in, which then does what its name says."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    if importlib.util.find_spec("dawdreamer") is None:
        pytest.skip("the package dawdreamer is not installed")
    source, folder = Path(__file__).parent / "plugins" / "naughty.c", tmp_path_factory.mktemp("compiled")

    def build(how: str) -> Path:
        made = folder / f"{how}.so"
        if not made.exists():
            command = [compiler, "-shared", "-fPIC", "-O1", f'-DHOW="{how}"', str(source), "-o", str(made), "-lm"]
            subprocess.run(command, check=True)
        return made

    return build
