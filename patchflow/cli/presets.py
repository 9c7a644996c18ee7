"""`patchflow presets`: imports, tags, searches and exports the presets of a library."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import whole

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

LibraryFile = Annotated[
    Path | None,
    typer.Option(
        "--library", metavar="FILE", help="The library.  [default: $PATCHFLOW_LIBRARY, or one in your data folder]"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")]
Numbers = Annotated[list[int], typer.Argument(metavar="ID", parser=whole, help="Numbers that `search` prints.")]


@app.callback()
def presets() -> None:
    """Keep a library of presets: import, tag, search, show, export, remove.

    Example: patchflow presets import banks/
    """


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Preset files, or folders of them.")],
    *,
    synth: Annotated[
        str, typer.Option(metavar="NAME", help="Synth that plug-in presets are for.  [default: read from the files]")
    ] = "",
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Take the presets of files and folders into the library.

    Presets with exactly the same values are kept once, under all their names. Damaged ones are reported and left out.

    Example: patchflow presets import banks/ rom1a.syx
    """
    from ..engines import Engine, engines, load_presets
    from ..presets import ParamSpace, ReadReport
    from ..presets.library.intake import import_files
    from ..presets.library.library import Library
    from ._preset_output import print_intake

    if synth:
        engines[synth]  # raises if there is none: else every file would be blamed for it

    def space_of(name: str) -> ParamSpace:
        return engines[name].space

    made: dict[str, Engine] = {}  # plug-ins are loaded once for all files

    def read(path: Path) -> ReadReport:
        return load_presets(path, synth, made=made)

    files = import_files(Library(library), paths, space_of, read)
    if not print_intake(files, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Words or parts of words in names, categories, authors, tags or files."),
    ] = None,
    *,
    synth: Annotated[str, typer.Option(metavar="NAME", help="Only presets of this synth.")] = "",
    category: Annotated[str, typer.Option(metavar="NAME", help="Only presets of this category.")] = "",
    author: Annotated[str, typer.Option(metavar="NAME", help="Only presets of this author.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", parser=whole, help="Print no more than N.")] = 50,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """List presets: number, name, category, author and synth, the best first.

    Example: patchflow presets search warm brass --author ann
    """
    from ..presets.library.library import Library
    from ._preset_output import print_entries

    entries = Library(library).search(" ".join(text or ()), synth=synth, category=category, author=author, limit=limit)
    print_entries(entries, limit=limit, as_json=as_json)


@app.command()
def tag(
    *,
    synth: Annotated[str, typer.Option(metavar="NAME", help="The synth whose presets are to be described.")] = "dexed",
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Describe the presets of a synth, so that they are found by what they are.

    Categories are inferred from names; every preset is played once and called bright or dark, noisy, moving or
    steady, and so on. `show` shows which tag comes from where.

    Example: patchflow presets tag --synth dexed
    """
    from ..data.label_library import tag_library
    from ..engines import engines
    from ..presets.library.library import Library
    from ._console import ProgressBar
    from ._preset_output import print_tagged

    with ProgressBar("loading") as bar:
        count = tag_library(Library(library), synth, engines[synth], bar.show)
    print_tagged(count, as_json=as_json)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", parser=whole, help="A number that `search` prints.")],
    *,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Print all names and all values of a preset.

    Example: patchflow presets show 17
    """
    from ..presets.library.library import Library
    from ._preset_output import print_preset

    source = Library(library)
    print_preset(source.entry(number), source.get(number), as_json=as_json)


@app.command()
def export(
    numbers: Numbers,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write; its ending, such as .syx, .vital or .json, says its format.",
        ),
    ],
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Write presets to a file that a synth or patchflow can read.

    Example: patchflow presets export 17 18 19 -o brass.syx
    """
    from ..engines import save_presets
    from ..presets.library.library import Library
    from ._preset_output import print_export

    source = Library(library)
    save_presets(out, [source.get(number) for number in numbers])
    print_export(out, len(numbers), as_json=as_json)


@app.command()
def remove(numbers: Numbers, *, library: LibraryFile = None, as_json: AsJson = False) -> None:
    """Take presets out of the library, all or none.

    Example: patchflow presets remove 17 18
    """
    from ..presets.library.library import Library
    from ._preset_output import print_removal

    Library(library).remove(numbers)
    print_removal(numbers, as_json=as_json)
