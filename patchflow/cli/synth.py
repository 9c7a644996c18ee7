"""`patchflow synth`: adds plug-ins as synths, lists, shows and removes them."""

from typing import Annotated

import typer

from ._parse import AsJson, number

__all__ = ["app"]

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
    from ._console import ProgressBar
    from ._synth_output import print_added

    with ProgressBar("loading", every=30.0) as bar:
        found = add_synth(plugin, name, force=force, fresh=fresh, patience=patience, progress=bar.show)
    print_added(found, as_json=as_json)


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the plug-ins that are synths.

    Example: patchflow synth list
    """
    from ._synth_output import print_synths

    print_synths(as_json=as_json)


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Print what is known of a plug-in, and check its description.

    Example: patchflow synth show amsynth
    """
    from ..plugins import synth_description
    from ._synth_output import print_synth

    print_synth(synth_description(name), as_json=as_json)


@app.command()
def remove(name: Name) -> None:
    """Take a plug-in out of the synths; the plug-in itself stays.

    Example: patchflow synth remove amsynth
    """
    from ..plugins import remove_synth
    from ._console import say

    say(f"removed {remove_synth(name)}")
