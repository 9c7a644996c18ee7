"""A VST3 plug-in, from its bundle to a preset that it opens."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patchflow.engines import Note, Plugin, engines, load_presets, save_presets
from patchflow.errors import PresetError
from patchflow.hosts import HostProcess
from patchflow.plugins import add_synth
from patchflow.presets import Preset
from patchflow.presets.vst3 import VstPreset, parse_vstpreset

NOTE = Note(57, hold=0.2, length=0.3)
VALUES = {"Level": 0.8, "Osc Pitch": 0.3}
CLASS = b"patchflow small".ljust(16, b"\0").hex().upper()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("dawdreamer")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler, or no Linux")
    folder = tmp_path_factory.mktemp("bundle") / "small.vst3"
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    made = folder / "Contents" / f"{machine}-linux" / "small.so"
    made.parent.mkdir(parents=True)
    source = Path(__file__).parent / "small_vst3.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", str(source), "-o", str(made), "-lm"], check=True)
    return folder


@pytest.fixture
def engine(bundle: Path, synths: Path) -> Plugin:
    add_synth(str(bundle))
    made = engines["small"]()
    assert isinstance(made, Plugin)
    return made


def test_it_is_described(engine: Plugin):
    about = engine.description

    assert (about.id, about.native, about.noise_floor_db) == (CLASS, "vstpreset", 0.0)
    assert [control.kind for control in about.controls] == ["knob", "knob", "fixed"]


def test_what_is_written_is_read_and_opened_by_the_plug_in(engine: Plugin, bundle: Path, tmp_path: Path):
    save_presets(tmp_path / "a.vstpreset", [Preset("small", VALUES, name="Mine")])
    asked = {"pitch": NOTE.pitch, "velocity": NOTE.velocity, "hold": NOTE.hold, "samples": NOTE.samples(44_100)}

    (again,) = load_presets(tmp_path / "a.vstpreset").presets
    with HostProcess("dawdreamer", {"path": str(bundle)}) as host:
        answer = host.ask("render", {**asked, "mono": True}, (tmp_path / "a.vstpreset").read_bytes())

    assert (again.name, again.values) == ("Mine", VALUES)
    sound = engine.render(engine.space.encode(VALUES), NOTE)
    np.testing.assert_array_equal(np.frombuffer(answer.data, np.float32), sound)
    assert np.abs(sound).max() > 0.7


def test_a_preset_of_which_nobody_knows_the_values_is_refused(engine: Plugin):
    state = parse_vstpreset(engine.pack(Preset("small", VALUES)).state)
    foreign = VstPreset(CLASS, state.component, name="Foreign").pack()

    with pytest.raises(PresetError, match="Foreign: a VST3 does not report the values of a preset"):
        engine.unpack(Preset("", {}, name="Foreign", state=foreign))


def test_a_preset_of_another_plug_in_is_refused_by_its_class(engine: Plugin):
    with pytest.raises(PresetError, match=f"is for the plug-in '{'AB' * 16}', and small is '{CLASS}'"):
        engine.unpack(Preset("", {}, state=VstPreset("AB" * 16, b"").pack()))
