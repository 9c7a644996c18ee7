"""The `patchflow` command: its subcommands, and every error as one line."""

import contextlib
import errno
import gc
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from inspect import getdoc
from typing import Annotated

import typer

from ..errors import Interrupted, PatchflowError
from ..storage import first_sentence, reason
from ._console import note, print_help, say
from .convert import convert
from .dataset import dataset
from .evaluate import evaluate
from .list import list_
from .live import live
from .macros import macros
from .make import make
from .map import map_
from .match import match
from .morph import morph
from .presets import app as presets
from .render import render
from .score import score
from .search import search
from .sketch import sketch
from .studio import studio
from .synth import app as synth
from .tables import tables
from .train import train
from .turn import turn
from .vary import vary
from .wavetable import wavetable

__all__ = ["app", "run"]

app = typer.Typer(
    name="patchflow",
    add_completion=False,
    rich_markup_mode=None,  # plain text: help can be read, searched and piped
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (
    match, studio, search, make, wavetable, turn, macros, morph, vary, sketch, live, render, score, convert,
    dataset, train, evaluate, tables,
):  # fmt: skip
    app.command()(command)
app.command("list")(list_)
app.command("map")(map_)
app.add_typer(presets, name="presets")
app.add_typer(synth, name="synth")


def _say_in_whole(group: typer.Typer) -> None:
    """Gives each command its first paragraph as the line in the list of commands: else that is cut to fit."""
    for command in group.registered_commands:
        command.short_help = _first_paragraph(command.callback)
    for member in group.registered_groups:
        if member.typer_instance is not None and member.typer_instance.registered_callback is not None:
            member.short_help = _first_paragraph(member.typer_instance.registered_callback.callback)
            _say_in_whole(member.typer_instance)


def _first_paragraph(command: object) -> str:
    paragraph, _, _ = (getdoc(command) or "").partition("\n\n")
    return " ".join(paragraph.split())


_say_in_whole(app)

# What every mistake on the command line descends from. Typer has no public name for it: BadParameter is a UsageError,
# which is a ClickException.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and prints errors raised on purpose in one line.

    Args:
        arguments: The words after `patchflow`; those of this process if not given.

    Returns:
        The exit code: 0 done, 1 it could not be done, 2 a mistake in the arguments, 70 a fault of patchflow's own,
        130 interrupted.

    Example:
        >>> run(["list", "engines"])  # doctest: +ELLIPSIS
        amsynth_16...dexed ...145 parameters...tone ...3 parameters...
        0
    """
    _fill_closed()
    # Where there is no home, matplotlib keeps its fonts in a temporary folder, and would say so with every picture.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file may be named in any script, or in none
    code = _code(sys.argv[1:] if arguments is None else arguments)
    if code:
        # An error and the frames that it came through keep each other alive, and with them synths in C++, which
        # complain about it at the end of the process.
        gc.collect()
    return code


def _code(arguments: Sequence[str]) -> int:
    """Runs a command; returns the exit code, see `run`."""
    try:
        return _main(arguments)
    except BrokenPipeError:
        _drop_output()
        return 1  # whoever read the output wants no more, such as `head`
    except PatchflowError as error:
        return _fail(str(error), 130 if isinstance(error, Interrupted) else 1)
    except OSError as error:
        _drop_output()
        return _fail(f"cannot read or write {error.filename or 'the output'}: {reason(error)}")
    except MemoryError:
        return _fail("not enough memory. Use a shorter sound or fewer --renders.")
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", 130)
    except Exception as error:  # noqa: BLE001 - the last resort: one honest line in place of a traceback
        return _confess(error)


def _main(arguments: Sequence[str]) -> int:
    try:
        result = app(arguments or ["--help"], prog_name="patchflow", standalone_mode=False)
    except _UsageError as error:
        message = error.format_message()  # type: ignore[attr-defined]
        if type(error).__name__ == "NoArgsIsHelpError":  # a group called without a command
            print_help(message)
            return 2
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "patchflow"
        end = "" if message.endswith(("?", ".")) else "."
        return _fail(f"{message}{end} See `{command} --help`.", 2)
    except SystemExit:  # typer's answer to a closed pipe
        raise BrokenPipeError from None
    if sys.stdout is None:  # it was closed before we began, and what was printed is lost
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sys.stdout.flush()  # a full disk or a closed pipe shows here
    if result == 130:  # a command that kept what it had after Ctrl-C, such as `match`: said like any interruption
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int = 1) -> int:
    with contextlib.suppress(OSError):
        note(message)
    return code


def _confess(error: Exception) -> int:
    """Says that patchflow did something wrong, and not its user."""
    if os.environ.get("PATCHFLOW_TRACEBACK"):
        with contextlib.suppress(OSError):
            say(*"".join(traceback.format_exception(error)).splitlines(), err=True)
    what = f"{type(error).__name__}: {first_sentence(error)}"
    return _fail(f"a fault of patchflow ({what}). Please report it, with what PATCHFLOW_TRACEBACK=1 adds here.", 70)


def _fill_closed() -> None:
    """Opens what is closed of standard input, output and error on nothing.

    Or the next file that is opened would get its number, and what a library prints would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _drop_output() -> None:
    """Keeps the interpreter from trying again, when it exits, to write what could not be written."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # it was closed from the beginning
            continue
        try:
            stream.flush()  # the other of the two may be whole
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_version(wanted: bool | None) -> None:
    if wanted:
        from ..version import version

        say(f"patchflow {version()}")
        raise typer.Exit


@app.callback()
def _describe(
    version: Annotated[
        bool | None,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = None,
) -> None:
    """Give it a sound, get the preset: finds the settings of a real synthesizer that make a sound.

    Start with: patchflow match sound.wav
    """
