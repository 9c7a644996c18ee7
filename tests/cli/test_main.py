"""The command line as a whole: help, exit codes, one line for every error."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import patchflow.cli.list
from patchflow.cli.main import app

COMMANDS = ("match", "sketch", "render", "score", "train", "list", "presets")
HEAVY = (
    "torch",
    "numpy",
    "matplotlib",
    "scipy",
    "soundfile",
    "dexed",
    "patchflow.engines",
    "patchflow.match.output.writer",
)


def start(*words: str, **options) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(patchflow.__file__).parents[1])}
    command = [sys.executable, "-m", "patchflow", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    return subprocess.Popen(command, **{**pipes, **options})


@pytest.mark.parametrize("words", [("--help",), ("match", "--help"), ("presets", "--help")], ids=" ".join)
def test_help_takes_less_than_three_tenths_of_a_second_of_work(words):
    def work() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert start(*words).communicate()[1] == ""
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(work() for _ in range(3)) < 0.3


def test_help_imports_nothing_heavy():
    code = f"import sys; from patchflow.cli import run; run(['--help']); print(set(sys.modules) & set({HEAVY}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(patchflow.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "set()"


def test_what_presets_prints_needs_no_ear():
    code = "import sys; import patchflow.cli._preset_output; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(patchflow.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shell, command):
    done = shell.run(command, "--help")

    assert done.code == 0
    assert f"Example: patchflow {command}" in done.out
    assert len({line.split()[0] for line in done.out.splitlines() if line.startswith("  --")}) == sum(
        line.startswith("  --") for line in done.out.splitlines()
    )


@pytest.mark.parametrize("columns", ["80", "100"])
@pytest.mark.parametrize("group", [(), ("presets",), ("synth",)], ids=" ".join)
def test_no_description_of_a_command_is_cut(shell, monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...], columns):
    monkeypatch.setenv("COLUMNS", columns)
    lines = shell.run(*group, "--help").out.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in lines if line[2] != " "]
    listed = " ".join(" ".join(lines).split())

    for name in names:
        own = shell.run(*group, name, "--help").out.split("\n\n")[1]
        assert f"{name} {' '.join(own.split())}" in listed
    assert "..." not in listed
    assert max(map(len, lines)) <= int(columns)


def test_out_is_o_for_short_in_every_command_that_writes_files():
    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    members = [(name, member) for name, member in commands.items() if name not in ("presets", "synth")]
    members += [(f"presets {name}", member) for name, member in commands["presets"].commands.items()]
    outs: dict[str, list[str]] = {}
    for name, member in members:
        for option in member.params:
            if "--out" in option.opts and option.metavar != "HOST:PORT":
                outs[name] = option.opts

    assert {"match", "make", "vary", "render", "presets export"} <= set(outs)
    assert [name for name, words in outs.items() if "-o" not in words] == []


def test_no_command_prints_the_help(shell):
    assert shell.run() == shell.run("--help")


def test_version_is_that_of_the_package(shell, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", {"patchflow": "1.2.3"}.__getitem__)

    assert shell.run("--version").out == "patchflow 1.2.3\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["rendr"], "No such command 'rendr'. Did you mean 'render'? See `patchflow --help`."),
        (["match"], "Missing argument 'SOUND'. See `patchflow match --help`."),
        (["match", "a.wav", "--seed", "one"], "'one' is not a whole number"),
        (["match", "a.wav", "--seconds", "nan"], "'nan' is not a number"),
        (["match", "a.wav", "--nonsense"], "--nonsense"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line_and_exits_with_2(shell, words, named):
    done = shell.run(*words)

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("patchflow: ")
    assert named in done.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "patchflow: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left", "x.wav"), 1, "patchflow: cannot read or write x.wav: no space left\n"),
        (MemoryError(), 1, "patchflow: not enough memory. Use a shorter sound or fewer --renders.\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_go_wrong_anywhere_is_one_line(shell, monkeypatch, error, code, line):
    def fail(kind: str) -> dict[str, str]:
        raise error

    monkeypatch.setattr(patchflow.cli.list, "catalogue", fail)
    monkeypatch.setattr("patchflow.cli.main._drop_output", lambda: None)
    done = shell.run("list", "engines")

    assert (done.code, done.err) == (code, line)


@pytest.mark.parametrize("wanted", ["", "1"])
def test_a_bug_is_said_to_be_one_and_shows_where_if_asked(shell, monkeypatch, wanted):
    def fail(kind: str) -> dict[str, str]:
        raise ValueError("a \x1b[2Jbug")

    monkeypatch.setattr(patchflow.cli.list, "catalogue", fail)
    monkeypatch.setenv("PATCHFLOW_TRACEBACK", wanted)
    done = shell.run("list", "engines")

    assert done.code == 70
    assert done.err.splitlines()[-1] == (
        "patchflow: a fault of patchflow (ValueError: a \\x1b[2Jbug). "
        "Please report it, with what PATCHFLOW_TRACEBACK=1 adds here."
    )
    assert ("Traceback" in done.err) == bool(wanted)
    assert "\x1b" not in done.err


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_is_no_traceback(closed: int):
    process = start("list", "formats", preexec_fn=lambda: os.close(closed))
    out, err = process.communicate()

    assert process.returncode == (1 if closed == 1 else 0)
    assert (out == "") == (closed == 1)
    assert err == ("patchflow: cannot read or write the output: bad file descriptor\n" if closed == 1 else "")


def test_a_reader_that_leaves_is_no_error():
    process = start("list", "formats")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait() == 1
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_output_that_cannot_be_written_is_one_line():
    with Path("/dev/full").open("w") as full:
        process = start("list", "formats", stdout=full)
        _, err = process.communicate()

    assert err == "patchflow: cannot read or write the output: no space left on device\n"
    assert process.returncode == 1


def test_ctrl_c_while_it_starts_is_one_line_too():
    code = (
        "import sys\n"
        "class CtrlC:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, CtrlC())\n"
        "from patchflow.cli import run\n"
        "sys.exit(run(['list', 'engines']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(patchflow.__file__).parents[1], capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"patchflow: interrupted\n")


def test_a_synth_that_was_loaded_in_vain_does_not_complain(tmp_path: Path):
    (tmp_path / "words.wav").write_text("no sound")

    with start("match", str(tmp_path / "words.wav"), "--out", str(tmp_path / "o")) as process:
        _, errors = process.communicate()

    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith(f"patchflow: cannot read {tmp_path / 'words.wav'}: Format not recognised.")
