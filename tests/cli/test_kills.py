"""The script that kills commands: what it finds is what there is."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kills", ROOT / "benchmarks" / "kills.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_nothing_was_lost_mixed_or_left_behind(kills: ModuleType):
    found = json.loads(kills.OUT.read_text())

    assert found.keys() == kills.JOBS.keys()
    for counts in found.values():
        assert counts["kills"] > 0
        assert (counts["lost"], counts["mixed"], counts["left"], counts["faults"]) == (0, 0, 0, [])


def test_every_kind_of_fault_is_counted_once_a_kill(kills: ModuleType):
    counts = {"kills": 0, "lost": 0, "mixed": 0, "left": 0, "faults": []}

    for outcome in ({}, {"lost": "x", "left": "y"}, {"mixed": "z"}):
        kills.count(counts, outcome)

    assert counts["faults"] == [{"lost": "x", "left": "y"}, {"mixed": "z"}]
    assert [counts[kind] for kind in ("kills", "lost", "mixed", "left")] == [3, 1, 1, 1]


@pytest.mark.parametrize(
    ("event", "arguments", "counts"),
    [
        ("open", ("a", "xb", 0), True),
        ("open", ("a", "rb", 0), False),
        ("open", ("a", None, 0), False),
        ("open", (3, "wb", 0), False),
        ("open", ("/elsewhere/a", "wb", 0), False),
        ("os.rename", ("a", "b", -1, -1), True),
        ("os.listdir", ("a",), False),
    ],
)
def test_a_change_is_one_of_a_file_in_the_folder(kills: ModuleType, event: str, arguments: tuple, counts: bool):
    assert kills.is_change(event, arguments, str(Path.cwd())) == counts


def test_a_result_of_two_runs_is_found(kills: ModuleType, shell):
    for name in ("a.wav", "b.wav"):
        shell.tone(name)
    for out, seed in (("out", 0), ("other", 1)):
        shell.run("match", "a.wav", "b.wav", "--synth", "tone", "--renders", 16, "--seed", seed, "--out", out)
    assert kills.check_result(shell.folder, shell.folder) == {}

    for name in ("a.wav", "patchflow-bank.preset.json", "a.preset.json"):
        shutil.copytree("out", f"mixed-{name}/out")
        shutil.copy(f"other/{name}", f"mixed-{name}/out/{name}")
        assert kills.check_result(shell.folder / f"mixed-{name}", shell.folder)["mixed"].endswith(name)


def test_a_result_that_is_gone_is_found(kills: ModuleType, shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", "--synth", "tone", "--renders", 16, "--out", "out")

    assert kills.check_result(shell.folder, shell.folder)["lost"].startswith("cannot read")  # there is no b.json
    assert kills.check_result(shell.folder, shell.folder)["lost"].count("b.json") == 1
