"""`patchflow match` on bad input: one clear line, exit code 1 or 2, nothing half-written."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from patchflow.errors import OptionError
from patchflow.match.output import drawing

SMALL = ("--synth", "tone", "--renders", 16)
TONE = 0.3 * np.sin(np.arange(22_050) * 0.05)


def written(data: bytes):
    def write(shell) -> Path:
        (shell.folder / "bad.wav").write_bytes(data)
        return shell.folder / "bad.wav"

    return write


def saved(samples: np.ndarray, rate: int = 44_100):
    return lambda shell: shell.save("bad.wav", samples, rate, subtype="FLOAT")


def folder(shell) -> Path:
    (shell.folder / "bad.wav").mkdir()
    return shell.folder / "bad.wav"


BAD = {
    "missing": (lambda shell: shell.folder / "bad.wav", "no such file"),
    "folder": (folder, "is a directory"),
    "empty": (written(b""), "is empty"),
    "text": (written(b"hello\n" * 100), "Give a WAV"),
    "header only": (written(b"RIFF"), "Give a WAV"),
    "no samples": (saved(np.zeros(0)), "no samples"),
    "silent": (saved(np.zeros(44_100)), "is silent"),
    "one sample": (saved(np.ones(1)), "at least 10 ms"),
    "nan": (saved(np.append(TONE, np.nan)), "nan at 0.500 s"),
    "infinite": (saved(np.append(np.inf, TONE)), "inf at 0.000 s"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_sound_that_is_none_is_one_line(shell, kind):
    make, reason = BAD[kind]
    path = make(shell)
    before = shell.files()

    done = shell.run("match", path, *SMALL)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("patchflow: ")
    assert "bad.wav" in done.err
    assert reason in done.err
    assert shell.files() == before
    assert not (shell.folder / "patchflow-out").exists()


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (192_000, 8)])
def test_any_rate_and_channel_count_will_do(shell, rate, channels):
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    shell.save("a.wav", np.tile(tone[:, None], channels), rate)

    done = shell.run("match", "a.wav", *SMALL, "--json")

    assert (done.code, done.err) == (0, "")
    assert f'"rate": {rate}' in done.out


def test_of_ten_minutes_the_beginning_is_matched_and_said(shell):
    shell.save("long.wav", np.resize(TONE, 8_000 * 600), 8_000)

    done = shell.run("match", "long.wav", *SMALL)

    assert done.code == 0
    assert done.err.splitlines() == [
        "patchflow: long.wav: it sounds 47 cents below C2",
        "patchflow: long.wav: only 6 s from 0.00 s on are matched, of 600.00 s",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--synth", "ton"], "no synth named 'ton'. Did you mean 'tone'?"),
        (["--lock", "dekay"], "no parameter or group named 'dekay'. Did you mean 'decay'?"),
        (["--lock", "gain=9"], "gain=9.0: not in [-60, 0] dB"),
        (["--lock", "wave=square"], "wave='square': not one of sine, saw"),
        (["--note", "H4"], "note=H4: not a MIDI number"),
        (["--note", "128"], "note=128: not a MIDI number"),
        (["--candidates", "0"], "candidates=0: not in [1, 32]"),
        (["--renders", "0"], "renders=0: not in [1,"),
        (["--seconds", "1"], "seconds=1 and renders=16: give one of them"),
        (["--seed", "-1"], "seed=-1: not in"),
        (["--trim-db", "3"], "trim_db=3: not in [-120, 0)"),
        (["--model", "no.safetensors"], "no.safetensors: "),
        (["--library", "no.sqlite"], "no.sqlite"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_is_not_allowed_is_one_line(shell, words, message):
    sounds = shell.tone("a.wav"), shell.tone("b.wav")

    done = shell.run("match", *sounds, *SMALL, *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err
    assert shell.files() == {"a.wav", "b.wav"}
    assert not (shell.folder / "patchflow-out").exists()


@pytest.mark.parametrize(
    "words", [["--note", "H4"], ["--synth", "ton"], ["--voice", "2"], ["--synth", "ton", "--lock", "a=1"]], ids=" ".join
)
def test_a_wrong_option_starts_no_process(shell, monkeypatch, words):
    shell.tone("a.wav")
    started: list[str] = []

    def start() -> None:
        started.append("a process that draws")
        raise OptionError("a process that draws")

    monkeypatch.setattr(drawing, "drawing_beside", start)

    assert shell.run("match", "a.wav", *words).code > 0
    assert started == []
    shell.run("match", "a.wav")
    assert started == ["a process that draws"]


@pytest.mark.parametrize("out", ["file/below", "file", "/proc/patchflow", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_to_is_one_line(shell, out):
    shell.tone("a.wav")
    (shell.folder / "file").write_bytes(b"")

    done = shell.run("match", "a.wav", *SMALL, "--out", out)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"cannot write to the folder {out}" in done.err
    assert "--out" in done.err
    assert shell.files() == {"a.wav", "file"}


@pytest.mark.parametrize("step", range(7))
def test_a_disk_that_fills_up_keeps_the_earlier_result(shell, monkeypatch, step):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 1, "--out", "o")
    before = {path: path.read_bytes() for path in (shell.folder / "o").iterdir()}
    flush, flushed = os.fsync, []

    def full(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) == step + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", full)
    done = shell.run("match", "a.wav", *SMALL, "--candidates", 1, "--out", "o", "--seed", 1)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert ": no space left on device" in done.err
    assert {path: path.read_bytes() for path in (shell.folder / "o").iterdir()} == before


def test_a_file_that_the_system_refuses_half_way_takes_the_others_with_it(shell):
    resource = pytest.importorskip("resource", reason="only POSIX systems limit the size of files")
    shell.tone("a.wav")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))  # more than a preset, less than a sound
    try:
        done = shell.run("match", "a.wav", *SMALL, "--candidates", 1, "--out", "o")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (done.code, done.out) == (1, "")
    assert done.err == "patchflow: cannot write o/a.wav: file too large\n"
    assert shell.files() == {"a.wav"}


def test_what_was_mended_in_a_sound_is_said_and_kept(shell):
    path = shell.save("cut.wav", TONE + 0.1)
    path.write_bytes(path.read_bytes()[:40_044])

    done = shell.run("match", path, *SMALL, "--json")

    notes = ["is cut off: 0.45 s of 0.50 s are there", "a constant offset of 0.1 is removed"]
    assert (done.code, done.err.splitlines()) == (0, [f"patchflow: {path}: {note}" for note in notes])
    assert json.loads(done.out)["target"]["mended"] == notes


@pytest.mark.parametrize(
    ("word", "code", "words"),
    [
        ("colour=1", 1, "like=colour: not one of spectrum, timbre, pitch, envelope"),
        ("pitch=-2", 1, "like=pitch=-2: not in [0, 100]"),
        ("pitch=much", 2, "'much' is not a number"),
        ("pitch", 2, "--like pitch: not of the form ASPECT=WEIGHT, such as envelope=0"),
        ("=1", 2, "--like =1: not of the form ASPECT=WEIGHT"),
    ],
)
def test_an_aspect_that_is_none_is_refused_before_anything_is_loaded(shell, word: str, code: int, words: str):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", *SMALL, "--like", word)

    assert (done.code, done.out) == (code, "")
    assert words in " ".join(done.err.split())
    assert shell.files() == {"a.wav"}
