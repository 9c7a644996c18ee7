"""Ray: the same bytes as on one machine, also if a worker is killed; what is missing is one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import patchflow

ROOT = Path(patchflow.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

pytestmark = pytest.mark.slow


@pytest.fixture
def big(recipe, tones: Path) -> Path:
    """A recipe of many shards, so that workers are busy for a while."""
    values = recipe(items=5_000, shard=200).plain_values().items()
    path = tones.with_name("r.toml")
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in values if value not in ("", [])))
    return path


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "patchflow", "dataset", *map(str, words)]


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*words), env=ENVIRONMENT, capture_output=True, text=True, check=False)


def busy_workers(root: int) -> list[int]:
    """Processes below one that are making a shard right now."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if (folder / "cmdline").read_bytes().startswith(b"ray::_make"):
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return [pid for pid in found if _is_below(pid, root, parents)]


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != root:
        pid = parents[pid]
    return pid == root


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
def test_a_worker_that_is_killed_loses_nothing(big: Path, contents, tmp_path: Path):
    pytest.importorskip("ray")
    words = command(big, "-o", tmp_path / "ray", "--executor", "ray", "--workers", "2")
    with subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        victims: list[int] = []
        while process.poll() is None and not victims:
            parts = list((tmp_path / "ray" / ".work").glob("part-*"))
            victims = busy_workers(process.pid) if len(parts) >= 2 else []
            time.sleep(0.01)
        os.kill(victims[0], signal.SIGKILL)
        error = process.communicate()[1]
    assert process.returncode == 0, error

    assert run(big, "-o", tmp_path / "local").returncode == 0

    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def test_a_cluster_that_is_not_there_is_one_line(big: Path, tmp_path: Path):
    pytest.importorskip("ray")

    done = run(big, "-o", tmp_path / "set", "--executor", "ray", "--address", "127.0.0.1:9")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("patchflow: address='127.0.0.1:9': no Ray cluster answers there (connection refused)")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("address", ["somewhere", "host:", ":x"])
def test_what_is_no_address_is_one_line(big: Path, tmp_path: Path, address: str):
    pytest.importorskip("ray")

    done = run(big, "-o", tmp_path / "set", "--executor", "ray", "--address", address)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"address='{address}': not auto or HOST:PORT" in done.stderr


def test_without_ray_one_line_says_how_to_get_it(big: Path, tmp_path: Path):
    code = f"import sys; sys.modules['ray'] = None\nfrom patchflow.cli import run\nsys.exit(run({command(big)[3:]!r}"
    code += f" + ['-o', {str(tmp_path / 'set')!r}, '--executor', 'ray']))"

    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "patchflow: executor 'ray' needs the package 'ray': pip install 'patchflow[ray]'\n"
