"""Processes and threads that train one model: killed and gone on with, and the gradient of the whole batch."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import patchflow
from patchflow.cli import run
from patchflow.data import Bank
from patchflow.engines.tone import Tone
from patchflow.models import Batch
from patchflow.models.posterior import Posterior
from patchflow.train import distributed
from patchflow.train.distributed import Replicas
from tests.train import worker
from tests.train.small import write_small

pytestmark = pytest.mark.slow

ROOT = Path(patchflow.__file__).parent.parent
WORKER = str(Path(worker.__file__))
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts Python in an empty folder that has a bank, examples and recipes for both."""
    points = Tone.space.snap(np.random.default_rng(0).random((64, 3)))
    split = np.array(["train"] * 40 + ["valid"] * 20 + ["test"] * 4)
    Bank(points, np.arange(64), np.array([f"tone {i}" for i in range(64)]), split).save(tmp_path / "bank.npz")
    write_small(tmp_path / "examples")
    (tmp_path / "bank.toml").write_text(
        'synth = "tone"\nbank = "bank.npz"\ncache = "cache"\nout = "run"\nitems = 64\nsteps = 150\nbatch = 16\n'
        "learning_rate = 1e-2\nevery = 20\nsave_every = 10\n"
        "[sizes]\nwidth = 4\ncontext = 16\nhidden = 16\ntransforms = 2\nbins = 4\n"
    )
    (tmp_path / "several.toml").write_text(
        'synth = "tone"\nmodel = "several"\ndata = "examples"\nout = "run"\nepochs = 200\nbatch = 8\n'
        'learning_rate = 1e-2\nschedule = "plateau"\nplateau_patience = 3\npatience = 60\nsave_every = 7\n'
        "[loss_warmup]\nlatent = 50\n"
    )

    def start(*words: object) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *(str(word) for word in words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, stdout=pipe, stderr=pipe)

    return start


def done(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What a process that ends well has printed."""
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return out, error


def same(a: Path, b: Path) -> bool:
    ours, theirs = load_file(a), load_file(b)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def kill_now_and_then(start: Start, out: Path, words: list[str], times: int) -> None:
    """Starts a run several times and kills each at a moment that nobody chose, once it has begun."""
    chance = random.Random(time.time_ns())
    for _ in range(times):
        process = start(*words, f"out={out.name}")
        begun = time.monotonic()
        while not (out / "log.jsonl").exists() and process.poll() is None and time.monotonic() < begun + 120:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("recipe", ["bank", "several"])
def test_killed_at_any_time_and_gone_on_with_is_as_if_never_killed(start: Start, tmp_path: Path, recipe: str):
    words = ["-m", "patchflow", "train", "bank.toml"] if recipe == "bank" else [WORKER, "several.toml"]
    done(start(*words, "out=whole"))

    kill_now_and_then(start, tmp_path / "killed", words, 3)
    done(start(*words, "out=killed"))

    assert same(tmp_path / "killed" / "tone.safetensors", tmp_path / "whole" / "tone.safetensors")
    for name in ("step", "train", "valid", "learning_rate"):
        ours, theirs = (
            [json.loads(line)[name] for line in (tmp_path / out / "log.jsonl").read_text().splitlines()]
            for out in ("killed", "whole")
        )
        assert ours == theirs


def test_two_processes_find_the_gradient_of_the_whole_batch(start: Start, tmp_path: Path):
    alone = worker.gradient(tmp_path / "examples")
    done(start(*TORCHRUN, WORKER, "gradient", tmp_path / "examples"))
    together = load_file(tmp_path / "examples" / "gradient2.safetensors")

    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-4, atol=1e-6, msg=name)


def test_two_processes_train_as_two_workers_do(start: Start, tmp_path: Path):
    train = ["-m", "patchflow", "train", "bank.toml", "steps=20"]
    out, error = done(start(*TORCHRUN, *train, "out=two"))
    done(start(*train, "out=one", "workers=2"))

    ours, theirs = (load_file(tmp_path / name / "tone.safetensors") for name in ("two", "one"))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-2, atol=1e-3, msg=name)
    assert out == "two/tone.safetensors\n"
    assert error.count("trained  train ") == 1


def test_two_processes_go_on_exactly(start: Start, tmp_path: Path):
    words = [
        *TORCHRUN,
        WORKER,
        "several.toml",
        "schedule=cosine",
        "plateau_patience=0",
        "epochs=4",
        "patience=0",
        "loss_warmup.latent=2",
    ]
    done(start(*words, "out=whole"))
    done(start(*words, "out=parts", "minutes=1e-9", "save_every=1"))
    steps = len((tmp_path / "parts" / "log.jsonl").read_text().splitlines())
    done(start(*words, "out=parts"))

    assert steps == 1
    assert same(tmp_path / "parts" / "tone.safetensors", tmp_path / "whole" / "tone.safetensors")


def test_a_mistake_is_told_once(start: Start):
    process = start(*TORCHRUN, "-m", "patchflow", "train", "bank.toml", "stepz=3")
    _, error = process.communicate(timeout=300)

    assert process.returncode != 0
    assert error.count("Did you mean 'steps'?") == 1


def test_a_mistake_is_told_by_a_first_process_that_comes_late(start: Start, tmp_path: Path):
    late = "import os, time\nif os.environ.get('RANK') == '0':\n    time.sleep(5)\n"
    (tmp_path / "sitecustomize.py").write_text(late)  # Python imports it first

    process = start(*TORCHRUN, "-m", "patchflow", "train", "bank.toml", "stepz=3")
    _, error = process.communicate(timeout=300)

    assert error.count("Did you mean 'steps'?") == 1


def test_a_mistake_that_the_first_process_did_not_meet_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(distributed.time, "sleep", lambda _: None)

    assert run(["train", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in capsys.readouterr().err


SIZE = 7


class Plain(Posterior):
    """A posterior that does not dequantise, so that its loss is the same on every thread."""

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return {"posterior": -self.log_prob(batch.points, self.encode(batch.mel, batch.note)).mean()}


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mel = torch.rand(SIZE, 80, 173, generator=generator)
    note = torch.tensor([[60.0, 100, 3]]).expand(SIZE, 3)
    return Batch(torch.rand(SIZE, 3, generator=generator), mel, note, torch.zeros(SIZE, 0))


def small() -> Posterior:
    torch.manual_seed(0)
    return Plain(Tone.space, width=4, context=8, hidden=8, transforms=2, bins=4)


def gradients(workers: int) -> tuple[float, list[Tensor]]:
    model = small()
    with Replicas(model, workers) as replicas:
        loss = _loss(replicas)
    return loss, [torch.zeros(()) if p.grad is None else p.grad for p in model.parameters()]


@pytest.mark.parametrize("workers", [2, 3, 7, 9])
def test_the_loss_and_its_gradient_are_those_of_the_whole_batch(workers: int):
    loss, wanted = gradients(1)
    other, found = gradients(workers)

    assert other == pytest.approx(loss, rel=1e-5)
    for ours, theirs in zip(wanted, found, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-5)


def test_a_step_moves_every_replica():
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with Replicas(model, 2) as replicas:
        losses = []
        for _ in range(5):
            losses.append(_loss(replicas))
            optimizer.step()

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(_alone(4), rel=1e-4)


def test_gradients_of_the_step_before_are_gone():
    model = small()
    with Replicas(model, 2) as replicas:
        replicas.backward(batch(), seed=0)
        once = _norm(model)
        replicas.backward(batch(), seed=0)

    assert _norm(model) == once > 0


def test_a_fault_in_a_thread_is_raised():
    model = small()
    cut = replace(batch(), mel=batch().mel[:, :40])
    with Replicas(model, 2) as replicas, pytest.raises(RuntimeError):
        replicas.backward(cut, seed=0)


def _alone(steps: int) -> float:
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with Replicas(model, 1) as replicas:
        for _ in range(steps):
            replicas.backward(batch(), seed=0)
            optimizer.step()
        return _loss(replicas)


def _norm(model: Posterior) -> float:
    return sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)


def _loss(replicas: Replicas) -> float:
    return sum(float(term) for term in replicas.backward(batch(), seed=0).values())
