"""`patchflow live`: a preset that a DAW, a controller or a hardware synth plays and changes, by OSC, MIDI and SysEx."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import number, synth_name, whole

if TYPE_CHECKING:
    from ..osc import LiveServer

__all__ = ["live"]


def live(
    preset: Annotated[
        str,
        typer.Argument(
            metavar="[PRESET]",
            help="What to begin with: a preset file, a bank, or a voice of one such as bank.syx:3, in FOLDER.",
        ),
    ] = "",
    *,
    synth: Annotated[
        str, typer.Option(metavar="NAME", parser=synth_name, help="Synth that is controlled, see `patchflow list`.")
    ] = "dexed",
    port: Annotated[int, typer.Option(metavar="N", parser=whole, help="UDP port on which OSC comes in.")] = 53_280,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of this machine on which it listens; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    out: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where OSC goes: answers, errors, and parameters that changed.")
    ] = "127.0.0.1:53281",
    midi_in: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PORT",
            help="MIDI port to listen to: a part of its name, virtual for one of our own, or tcp:HOST:PORT. May be "
            "repeated.",
        ),
    ] = None,
    midi_out: Annotated[
        str, typer.Option(metavar="PORT", help="MIDI port for notes, controls and, with --sysex, the voice.")
    ] = "",
    channel: Annotated[int, typer.Option(metavar="N", parser=whole, help="MIDI channel that is sent on, 1 to 16.")] = 1,
    sysex: Annotated[
        bool, typer.Option("--sysex", help="Keep a DX7, Dexed or MiniDexed at --midi-out as the preset is.")
    ] = False,
    sysex_rate: Annotated[
        float, typer.Option(metavar="N", parser=number, help="Bytes of SysEx a second, at most.")
    ] = 2_500.0,
    ports: Annotated[bool, typer.Option("--ports", help="List the MIDI ports, and end.")] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Where messages may read and write files; nothing outside is touched. May be repeated.  [default: the "
            "current one]",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Preset library for dumps that come in.  [default: that of `presets`]"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|RUN|NAME", help="Model whose latent is the audio space; none for the parameters themselves."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of matches and random presets.")] = 0,
) -> None:
    """Let a DAW, a controller or a hardware synth play with a preset, by OSC, MIDI and SysEx.

    Listens until /stop comes or Ctrl-C is pressed. Macros and parameters, loading, matching, paths and maps
    have OSC addresses, in the style of Surge XT; docs/live.md has all of them. MIDI controls 20 to 27 turn
    the macros, programs choose among the presets in hand, and MIDI clock moves along a path.

    \b
    Example: patchflow live bank.syx
    Example: patchflow live --midi-in Launch --midi-out MiniDexed --sysex
    Example: oscsend localhost 53280 /param/macro/1 f 0.8
    """
    if ports:
        _list_ports()
        return
    from ..errors import OptionError
    from ..osc.server import opened_socket

    if not 1 <= channel <= 16:
        raise OptionError(f"channel={channel}: not in [1, 16]")
    to = _address(out)
    folders = _folders(folder or [Path()])
    with ExitStack() as ending:
        # Before anything that takes long: the port may be taken.
        listening = ending.enter_context(opened_socket(host, port))
        from ..osc.midi import live_server
        from ..osc.ports import open_input, open_output
        from ..osc.server import OscOut

        sender = OscOut(*to)
        ending.callback(sender.close)
        output = open_output(midi_out) if midi_out else None
        if output is not None:
            ending.callback(output.close)
        server = live_server(
            listening,
            sender,
            synth=synth, folders=folders, library=library, model=model, seed=seed,
            midi_out=output, channel=channel - 1, sysex=sysex, sysex_rate=sysex_rate,
        )  # fmt: skip
        if preset:
            server.patch.load(preset)
        for name in midi_in or []:
            ending.callback(open_input(name, server.targets["midi"].receive).close)
        _greet(server, host, to)
        server.serve()


def _address(text: str) -> tuple[str, int]:
    """The host and the port of `HOST:PORT`."""
    from ..errors import OptionError

    host, sign, digits = text.rpartition(":")
    if not sign or not host or not digits.isdecimal() or not 0 < int(digits) < 65_536:
        raise OptionError(f"out={text!r}: not of the form HOST:PORT")
    return host, int(digits)


def _folders(chosen: list[Path]) -> tuple[Path, ...]:
    from ..errors import StorageError

    for folder in chosen:
        if not folder.is_dir():
            raise StorageError(f"folder={str(folder)!r}: no such folder")
    return tuple(folder.resolve() for folder in chosen)


def _greet(server: "LiveServer", host: str, to: tuple[str, int]) -> None:
    from ._console import note, say

    patch = server.patch
    say(
        f"listening on {host}, UDP port {server.port}; answers go to {to[0]}, port {to[1]}",
        f"{patch.preset.name or 'a preset'} of {patch.synth}, {len(patch.hand)} in hand; macros: "
        + ", ".join(f"{number} {word.word}" for number, word in enumerate(patch.macros.words, 1)),
        "/stop or Ctrl-C ends it",
    )
    if not host.startswith("127.") and host != "localhost":
        note(f"listens on {host}: everybody who reaches this address can play, and read and write in the folder")


def _list_ports() -> None:
    from ..osc.ports import port_names
    from ._console import say

    inputs, outputs = port_names()
    say(*(f"in   {name}" for name in inputs), *(f"out  {name}" for name in outputs))
    if not inputs and not outputs:
        say("no MIDI port is there")
