"""`patchflow presets`: imports, tags, searches and exports the presets of a library."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import say
from ._parse import synth_name, whole

if TYPE_CHECKING:
    from ..presets import Library

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
    """Keep a library of presets: import, tag, search, show, export, remove, undo, repair.

    Example: patchflow presets import banks/
    """


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Preset files, or folders of them.")],
    *,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            parser=synth_name,
            help="Synth that plug-in presets are for.  [default: read from the files]",
        ),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out what would have to be mended, such as a value above its limit.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name everything that was mended.")] = False,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Take the presets of files and folders into the library.

    Presets with exactly the same values are kept once, under all their names. In a folder every file is tried that
    may hold presets, whatever it is called. Damaged presets are reported and left out.

    Example: patchflow presets import banks/ rom1a.syx
    """
    from ..engines import Engine, engines, load_presets
    from ..presets import ParamSpace, ReadReport
    from ..presets.library.intake import import_files
    from ..progress import Progress
    from ._console import ProgressBar
    from ._preset_output import print_intake

    if synth:
        engines[synth]  # raises if there is none: else every file would be blamed for it
    made: dict[str, Engine] = {}  # a plug-in is loaded once for all files

    def space_of(name: str) -> ParamSpace:
        return engines[name].space

    with ProgressBar("looking for files", every=60) as bar:

        def read(path: Path) -> ReadReport:
            def show(progress: Progress) -> None:
                bar.show(replace(progress, subject=path.name))

            return load_presets(path, synth, strict=strict, made=made, progress=show)

        files = import_files(_opened(library), paths, space_of, read, bar.show)
        imported = print_intake(files, bar, verbose=verbose, as_json=as_json)
    if not imported:
        raise typer.Exit(1)


@app.command()
def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Words or parts of words in names, categories, authors, tags or files."),
    ] = None,
    *,
    synth: Annotated[str, typer.Option(metavar="NAME", parser=synth_name, help="Only presets of this synth.")] = "",
    category: Annotated[str, typer.Option(metavar="NAME", help="Only presets of this category.")] = "",
    author: Annotated[str, typer.Option(metavar="NAME", help="Only presets of this author.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", parser=whole, help="Print no more than N.")] = 50,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """List presets: number, name, category, author and synth, the best first.

    If there are none it says which words no preset has, and which there are; that is no failure.

    Example: patchflow presets search warm brass --author ann
    """
    from ..storage import readable
    from ._preset_output import print_entries, print_hints

    source = _opened(library)
    # a terminal may send bytes that are no letters
    words, synth, category, author = map(readable, (" ".join(text or ()), synth, category, author))
    entries = source.search(words, synth=synth, category=category, author=author, limit=limit)
    print_entries(entries, limit=limit, as_json=as_json)
    if not entries:
        print_hints(source.hints(words, synth=synth, category=category, author=author))


@app.command()
def tag(
    *,
    synth: Annotated[
        str, typer.Option(metavar="NAME", parser=synth_name, help="The synth whose presets are to be described.")
    ] = "dexed",
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
    from ._console import ProgressBar
    from ._preset_output import print_tagged

    with ProgressBar("loading") as bar:
        count = tag_library(_opened(library), synth, engines[synth], bar.show)
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
    from ..engines import engines
    from ..errors import PatchflowError
    from ._preset_output import print_preset

    source = _opened(library)
    entry = source.entry(number)
    preset = source.get(number)
    engine = None
    texts: Mapping[str, str] = {}
    with suppress(PatchflowError):  # what is stored can be shown without its synth
        engine = engines[entry.synth]
        texts = {} if as_json else engine().texts(preset)
    print_preset(entry, preset, engine, texts, as_json=as_json)


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
    from ._preset_output import print_export

    source = _opened(library)
    save_presets(out, [source.get(number) for number in numbers])
    print_export(out, len(numbers), as_json=as_json)


@app.command()
def remove(numbers: Numbers, *, library: LibraryFile = None, as_json: AsJson = False) -> None:
    """Take presets out of the library, all or none. `undo` brings them back, until others are removed.

    Example: patchflow presets remove 17 18
    """
    from ._preset_output import print_removal

    _opened(library).remove(numbers)
    print_removal(numbers, as_json=as_json)


@app.command()
def undo(*, library: LibraryFile = None, as_json: AsJson = False) -> None:
    """Bring the presets of the last removal back, with their numbers, names and tags.

    Example: patchflow presets undo
    """
    from ._preset_output import print_restored

    print_restored(_opened(library).undo(), as_json=as_json)


@app.command()
def repair(*, library: LibraryFile = None, as_json: AsJson = False) -> None:
    """Save what is whole in a damaged library into a new one; the damaged file is kept beside it.

    Example: patchflow presets repair
    """
    from ..engines import engines
    from ..presets.library.repair import repair_library
    from ._preset_output import print_rescue

    source = _opened(library)
    rescue = repair_library(source.path, engines.spaces, _notice)
    print_rescue(source.path, rescue, as_json=as_json)


def _opened(path: Path | None) -> "Library":
    from ..presets.library.library import Library

    return Library(path, notice=_notice)


def _notice(message: str) -> None:
    say(message, err=True)
