"""`patchflow map`: presets as points on a page, near each other where they sound alike."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OptionError, PresetError
from ._parse import AsJson, LibraryFile, OnlyCategories, OnlySynths, OnlyTags, check_least, number, whole

if TYPE_CHECKING:
    from ..browse.map_page import MapReport

__all__ = ["map_"]


def map_(
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write; open it with a double click.")
    ] = Path("map.html"),
    where: Annotated[
        str, typer.Option("--in", metavar="PLACE", help="What to show: library, bank (the embedded one), or both.")
    ] = "both",
    synth: OnlySynths = None,
    category: OnlyCategories = None,
    tag: OnlyTags = None,
    colour: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What colours stand for at first: category, synth, tag, author, or an attribute such as brightness.",
        ),
    ] = "category",
    how: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="pca: two fixed directions of the ear; umap: groups stand apart, which needs "
            "pip install 'patchflow[umap]'.",
        ),
    ] = "pca",
    sounds: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole,
            help="How many presets have a sound of their own in the page, about 11 kB each; the others are heard as "
            "the most alike of these.",
        ),
    ] = 800,
    folder: Annotated[
        bool, typer.Option("--sounds-folder", help="Write the sounds of all into a folder beside the page.")
    ] = False,
    seconds: Annotated[float, typer.Option(metavar="S", parser=number, help="Length of a sound, 0.2 to 10.")] = 1.6,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the page is called.")] = "Presets by sound",
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Draw a map of presets: one page that needs no server and no network.

    Point at a preset to hear it; zoom, search, filter, pick with a lasso, copy names and numbers, save preset files
    and banks. What sounds alike lies near. Places depend on the sound alone, so presets that come later move no others.
    Options that choose are as those of `patchflow search`: --category "bass or lead", --tag "not noisy".

    \b
    Example: patchflow map -o map.html
    Example: patchflow map --synth dexed --category bass --colour brightness
    Example: patchflow map --in library --sounds-folder
    """
    from ..browse import picked, places
    from ..browse.embedded import opened_shelf, presets_called
    from ..browse.map_page import colour_of, write_map
    from ..browse.places import HOW
    from ..presets.library.library import Library
    from ..storage import readable, writable_folder
    from ._console import ProgressBar, note

    if how not in HOW:
        raise OptionError(f"how={how!r}: not {' or '.join(HOW)}")
    if not 0.2 <= seconds <= 10:
        raise OptionError(f"seconds={seconds:g}: not in [0.2, 10]")
    check_least(0, sounds=sounds)
    colour_of(colour)
    source = Library(library, notice=note)
    asked = {"synth": synth or [], "category": category or [], "tag": tag or []}
    wishes = {field: list(map(readable, values)) for field, values in asked.items()}
    with writable_folder(out.absolute().parent):
        with ProgressBar("reading", every=60) as bar:
            shelf = opened_shelf(source, where, progress=bar.show, tell=note)
        rows = picked(shelf, wishes)
        if len(rows) and not rows.any():
            raise PresetError(f"no preset to show: none of {len(rows):,} has what was asked for")
        # found in all, so that what is chosen moves nothing
        where_they_lie = places(shelf, how=how, tell=note)[rows]
        shelf = shelf if rows.all() else shelf.where(rows)
        with ProgressBar("finding places", every=10) as bar:
            report = write_map(
                out, shelf, lambda numbers: presets_called(numbers, source), where_they_lie,
                colour=colour, title=readable(title), sounds=sounds, folder=folder, seconds=seconds, progress=bar.show,
            )  # fmt: skip
    _print(report, as_json=as_json)


def _print(report: "MapReport", *, as_json: bool) -> None:
    from ._console import note, print_json, say

    if as_json:
        facts = {
            "presets": report.presets,
            "left_out": report.silent,
            "sounds": report.sounds,
            "files": report.files,
            "failed": report.failed,
        }
        print_json(
            {"page": str(report.path), "bytes": report.size, **facts, "folder": report.folder and str(report.folder)}
        )
        return
    said = [str(report.path), f"{report.presets:,} presets", f"{report.sounds:,} sounds", f"{report.size / 1e6:.1f} MB"]
    if report.folder:
        said.append(f"sounds in {report.folder}")
    say("  ".join(said))
    if report.failed:
        note(f"{report.failed:,} presets could not be played or written; the first: {report.why}")
    if report.silent:
        note(f"{report.silent:,} presets without a sound are left out")
