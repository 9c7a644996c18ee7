"""The page of what is promised: its tables are those of the results, and what makes them counts what there was."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

import patchflow

BENCHMARKS = Path(patchflow.__file__).parents[1] / "benchmarks"


@pytest.fixture
def reliability(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that writes the tables."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("reliability")


@pytest.fixture
def endurance(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that matches with a plug-in many times."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("plugin_endurance")


def test_the_page_has_the_counts_of_the_results(reliability: ModuleType):
    assert reliability.page() == reliability.PAGE.read_text("utf-8")


def test_a_table_without_a_place_is_an_error(reliability: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(reliability, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("<!-- kills:start -->\n<!-- kills:end -->\n")

    with pytest.raises(ValueError, match="no <!-- fuzz:start -->"):
        reliability.page()


@pytest.mark.parametrize("name", ["fuzz", "plugin_endurance"])
def test_nothing_was_let_in_or_left_behind(name: str):
    found = json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())

    if name == "fuzz":
        assert [found["total"][fault] for fault in ("uncaught", "over 10 s", "over 1 GB")] == [0, 0, 0]
        assert found["cases"] == sum(found["total"].values())
    else:
        assert (found["most"]["zombies"], found["most"]["children"], found["not_complete"]) == (0, 0, 0)
        assert found["killed"] >= 0.4 * found["matches"]


def test_a_kill_counts_only_if_a_host_was_there(endurance: ModuleType, monkeypatch: pytest.MonkeyPatch):
    hosts: list[tuple[int, str]] = []  # and not those of other tests in this process
    monkeypatch.setattr(endurance, "children", lambda: hosts)
    without = endurance.Killer(0.0)
    spared = endurance.Killer(None)
    killed = endurance.Killer(0.0)
    without.begin(None)
    time.sleep(0.1)
    assert not without.end()

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as host:
        hosts.append((host.pid, "S"))
        spared.begin(None)
        assert not spared.end()
        killed.begin(None)
        assert host.wait(10) == -9
        assert killed.end()
