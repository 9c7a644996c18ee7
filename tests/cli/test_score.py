"""`patchflow score`: how far one sound is from another."""

import json

import numpy as np
import pytest
import torch

from patchflow.metrics import metrics


def test_a_sound_is_at_the_best_distance_from_itself(shell):
    shell.tone("a.wav")

    found = json.loads(shell.run("score", "a.wav", "a.wav", "--json").out)

    units = found.pop("units")
    assert units == {name: metrics[name].unit for name in metrics}
    assert set(found) == set(metrics)
    assert found == pytest.approx({name: metrics[name].best for name in metrics}, abs=1e-5)


def test_it_is_the_metric_of_the_library(shell):
    a, b = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 22_050)).astype(np.float32)
    shell.save("a.wav", a, 22_050, subtype="FLOAT")
    shell.save("b.wav", b, 22_050, subtype="FLOAT")

    found = json.loads(shell.run("score", "a.wav", "b.wav", "-m", "mss", "--json").out)
    expected = metrics["mss"](torch.from_numpy(a)[None], torch.from_numpy(b)[None], 22_050).item()

    assert found == {"mss": pytest.approx(expected, rel=1e-5), "units": {"mss": "dB"}}
    assert found["mss"] == float(f"{expected:.6g}")


def test_metrics_are_printed_in_the_order_asked_for(shell):
    shell.tone("a.wav")

    done = shell.run("score", "a.wav", "a.wav", "-m", "rms", "-m", "log_mel_l1")

    assert done.out == "rms         1 (higher is better)\nlog_mel_l1  0 dB (lower is better)\n"


def test_silence_before_a_sound_and_another_rate_make_little_difference(shell):
    shell.tone("a.wav", rate=44_100)
    tone = shell.tone("b.wav", rate=48_000)
    shell.save("late.wav", np.append(np.zeros(9_000), __import__("soundfile").read(tone)[0]), 48_000)

    found = json.loads(shell.run("score", "a.wav", "late.wav", "-m", "log_mel_l1", "--json").out)

    assert found["log_mel_l1"] < 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.wav", "missing.wav"], "cannot read missing.wav: no such file"),
        (["text.wav", "a.wav"], "text.wav"),
        (["a.wav", "a.wav", "-m", "log_mel_l2"], "no metric named 'log_mel_l2'. Did you mean 'log_mel_l1'?"),
    ],
)
def test_what_cannot_be_compared_is_one_line(shell, words, message):
    shell.tone("a.wav")
    (shell.folder / "text.wav").write_text("hello")

    done = shell.run("score", *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err


def test_what_was_mended_in_a_sound_is_said(shell):
    shell.tone("a.wav")
    path = shell.save("cut.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 22_050), 22_050)
    path.write_bytes(path.read_bytes()[:22_094])

    done = shell.run("score", "a.wav", path, "-m", "mss", "--json")

    assert (done.code, done.err) == (0, f"patchflow: {path}: is cut off: 0.50 s of 1.00 s are there\n")
