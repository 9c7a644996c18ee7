"""`patchflow synth`: adds plug-ins as synths, lists, shows and removes them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PatchflowError
from ._console import ProgressBar, note, print_json, say
from ._parse import AsJson, number

if TYPE_CHECKING:
    from ..engines import Control, Description

__all__ = ["app", "print_added", "print_synth", "print_synths"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A synth that `patchflow synth list` prints.")]


@app.callback()
def synth() -> None:
    """Use plug-ins as synths: add, list, show, remove.

    Example: patchflow synth add amsynth
    """


@app.command()
def add(
    plugin: Annotated[
        str,
        typer.Argument(
            metavar="PLUGIN",
            help="A plug-in's file (VST2, VST3, AU), an LV2 plug-in's address or bundle, or the name of one that is "
            "installed.",
        ),
    ],
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call it.  [default: as its file is called]")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the description, if there is one of this name.")
    ] = False,
    fresh: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="How each note gets a plug-in that has played nothing before. fork: by an exact copy; reload: by "
            "loading it again; reuse: not at all, which is fastest, but it may remember what it played.  "
            "[default: fork, where that works]",
        ),
    ] = "",
    patience: Annotated[
        float, typer.Option(metavar="S", parser=number, help="Seconds that it may take to load, and to play a note.")
    ] = 15.0,
    as_json: AsJson = False,
) -> None:
    """Play PLUGIN to find out what its parameters do, and write that down.

    Afterwards --synth NAME works in every command. The description is a file to read and edit: what is searched,
    within which limits, in which groups.

    Example: patchflow synth add /usr/lib/vst/amsynth_vst.so --name amsynth

    Example: patchflow synth add http://synthv1.sourceforge.net/lv2
    """
    from ..plugins import add_synth

    with ProgressBar("loading", every=30.0) as bar:
        found = add_synth(plugin, name, force=force, fresh=fresh, patience=patience, progress=bar.show)
    print_added(found, as_json=as_json)


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the plug-ins that are synths.

    Example: patchflow synth list
    """
    print_synths(as_json=as_json)


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Print what is known of a plug-in, and check its description.

    Example: patchflow synth show amsynth
    """
    from ..plugins import synth_description

    print_synth(synth_description(name), as_json=as_json)


@app.command()
def remove(name: Name) -> None:
    """Take a plug-in out of the synths; the plug-in itself stays.

    Example: patchflow synth remove amsynth
    """
    from ..plugins import remove_synth

    say(f"removed {remove_synth(name)}")


def print_added(found: "Description", *, as_json: bool) -> None:
    """Prints what was found out, and where it is written."""
    # Imported here, as all that is heavy: the help of a command is there at once.
    from ..engines import description_file
    from ..plugins.kinds import readable_name

    if found.fresh != "fork" and found.noise_floor_db:
        note(
            f"fresh={found.fresh} does not hold for {found.name}: the same preset is up to "
            f"{found.noise_floor_db:.2f} dB away from what a plug-in plays that has played nothing before"
        )
    if as_json:
        print_json(_facts(found))
        return
    say(f"{found.name}  {found.facts()['parameters']}")
    for name, fact in found.facts().items():
        if name not in ("plugin", "parameters"):
            say(f"  {name:<10}{fact}")
    fixed = [control.name for control in found.controls if control.kind == "fixed"]
    if fixed:
        say(f"  {'not heard':<10}{', '.join(fixed)}")
    unnamed = [control.name for control in found.controls if not readable_name(control.own_name)]
    if unnamed:
        say(f"  {'unnamed':<10}{', '.join(unnamed)}: the plug-in has no names for these")
    say(f"  {description_file(found.name)}")


def print_synths(*, as_json: bool) -> None:
    """Prints a line for every plug-in, or what is wrong with its description."""
    from ..engines import described

    lines = {name: _line(name) for name in described()}
    if as_json:
        print_json(lines)
        return
    width = max(map(len, lines), default=0)
    for name, line in lines.items():
        say(f"{name:<{width}}  {line}")


def print_synth(found: "Description", *, as_json: bool) -> None:
    """Prints all that is known of a plug-in, a parameter a line."""
    from ..engines import description_file

    if as_json:
        print_json({**_facts(found), "controls": [_control(control) for control in found.controls]})
        return
    for name, fact in {"file": str(description_file(found.name)), **found.facts()}.items():
        say(f"{name:<11}{fact}")
    width = max(len(control.name) for control in found.controls)
    for control in found.controls:
        about = _control(control)
        say(f"{control.name:<{width}}  {control.kind:<6}  {control.group:<8}  {about['range']}".rstrip())


def _line(name: str) -> str:
    from ..plugins import synth_description

    try:
        found = synth_description(name)
    except PatchflowError as error:
        return str(error)
    return f"{found.facts()['parameters']}; {found.native} presets; {found.plugin}"


def _facts(found: "Description") -> dict[str, Any]:
    from ..engines import description_file

    return {"name": found.name, "file": str(description_file(found.name)), **found.facts()}


def _control(control: "Control") -> dict[str, Any]:
    span = ", ".join(control.options) or f"{control.low:g} to {control.high:g}"
    value = f"always {control.default:g}" if control.kind == "fixed" else span
    return {"name": control.name, "kind": control.kind, "group": control.group, "range": value}
