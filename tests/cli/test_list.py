"""`patchflow list`: every entry of every registry, in a line each."""

import subprocess
import sys

import pytest

from patchflow.data.dataset.executors import executors
from patchflow.engines import engines
from patchflow.errors import MissingDependency
from patchflow.metrics import metrics
from patchflow.models import models
from patchflow.presets.formats import formats
from patchflow.registry import Registry


@pytest.mark.parametrize(
    ("kind", "registry"),
    [("engines", engines), ("models", models), ("metrics", metrics), ("formats", formats), ("executors", executors)],
)
def test_every_entry_has_a_line_that_says_what_it_is(shell, kind, registry):
    done = shell.run("list", kind)
    lines = [line.split(maxsplit=1) for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert [name for name, _ in lines] == list(registry)
    assert all(len(meaning) > 20 for _, meaning in lines)


def test_a_metric_has_its_unit_and_direction(shell):
    lines = {line.split()[0]: line for line in shell.run("list", "metrics").out.splitlines()}

    assert lines["log_mel_l1"].endswith("dB, lower is better, 0 is the same sound")
    assert lines["rms"].endswith("; higher is better, 1 is the same sound")


def test_an_entry_whose_package_is_missing_says_so(shell, monkeypatch):
    def missing(self: Registry, name: str) -> object:
        raise MissingDependency(f"synth {name!r} needs the package 'x': pip install x")

    monkeypatch.setattr(Registry, "__getitem__", missing)

    assert "synth 'tone' needs the package 'x': pip install x" in shell.run("list", "engines").out


def test_on_a_terminal_meanings_are_wrapped_beside_the_names(shell, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    lines = shell.run("list", "metrics").out.splitlines()

    assert max(map(len, lines)) <= 60
    assert {line[:22].strip() for line in lines} - {""} == set(metrics)
    assert all(line[22] != " " for line in lines)


def test_an_unknown_kind_is_one_line(shell):
    done = shell.run("list", "engine")

    assert (done.code, done.err) == (1, "patchflow: no list named 'engine'. Did you mean 'engines'?\n")


def test_metrics_are_listed_without_pyarrow():
    code = (
        "import sys; sys.modules['pyarrow'] = None\nfrom patchflow.cli import run\nsys.exit(run(['list', 'metrics']))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "log_mel_l1" in done.stdout
