"""`patchflow presets`: imports, lists, tags and exports the presets of a library."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import note, say
from ._parse import AsJson, LibraryFile, synth_name, whole

if TYPE_CHECKING:
    from ..browse import Listened
    from ..presets import Library

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Numbers = Annotated[list[int], typer.Argument(metavar="ID", parser=whole, help="Numbers that `list` prints.")]
_ANY = "that `list` and `patchflow search` print; one of the embedded bank has its synth in front: dexed:17."


@app.callback()
def presets() -> None:
    """Keep a library of presets: import, listen, list, tag, show, export, remove, undo, repair.

    To find presets by what they sound like, in the library and in the embedded bank: patchflow search.

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
    no_vectors: Annotated[
        bool, typer.Option("--no-vectors", help="Do not listen to them: they are not found by their sound.")
    ] = False,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Take the presets of files and folders into the library, and then listen to those that are new.

    Presets with exactly the same values are kept once, under all their names. In a folder every file is tried that
    may hold presets, whatever it is called. Damaged presets are reported and left out.

    When all are in, each new one is played, so that it is found by its sound. That takes a minute for a thousand
    voices of a DX7. Ctrl-C then ends it, and loses nothing: patchflow presets listen goes on.

    Example: patchflow presets import banks/ rom1a.syx
    """
    from ..engines import Engine, engines, load_presets
    from ..errors import ModelError, StorageError
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

        source = _opened(library)
        last = _last_number(source)
        files = import_files(source, paths, space_of, read, bar.show)
        imported = print_intake(files, bar, verbose=verbose, as_json=as_json)
    if not imported:
        raise typer.Exit(1)
    if not no_vectors:
        try:
            done = _listened(source, newer_than=last, wait=False)
        except (ModelError, StorageError) as error:  # the import itself is done
            note(str(error))
        else:
            if done.elsewhere:
                note("another process listens to this library; patchflow presets listen does what it leaves")


def _last_number(library: "Library") -> int:
    """The highest number of a preset in a library; 0 if there is none."""
    from ..errors import StorageError

    with suppress(StorageError):  # the import says what is wrong, or makes a library
        return library.last()
    return 0


def _listened(library: "Library", *, newer_than: int = 0, wait: bool) -> "Listened":
    """Listens to the presets of a library that nobody has listened to."""
    from ..browse import listen_to
    from ..errors import Interrupted
    from ._console import ProgressBar

    with ProgressBar("listening to presets", every=60) as bar:
        try:
            return listen_to(library, bar.show, note, newer_than=newer_than, wait=wait)
        except KeyboardInterrupt:
            bar.stop()
            raise Interrupted(
                "interrupted: all but the last seconds is kept. Go on with: patchflow presets listen"
            ) from None


@app.command()
def listen(*, library: LibraryFile = None, as_json: AsJson = False) -> None:
    """Play all presets that nobody has listened to yet, so that they are found by their sound.

    That is what an import does with new presets; here it is for those of an older library, for what an import left
    undone, and after an update of patchflow that brings another ear. Ctrl-C ends it; the next call goes on.

    Example: patchflow presets listen
    """
    from ._preset_output import print_listened

    print_listened(_listened(_opened(library), wait=True), as_json=as_json)


@app.command("list")
def list_(
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
    """List the presets of the library whose names, categories, authors, tags or files have some words.

    A line for each: number, name, category, author and synth. If there are none it says which words no preset has, and
    which there are; that is no failure. To find presets by what words mean and by a sound: patchflow search.

    Example: patchflow presets list warm brass --author ann
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


app.command("search", hidden=True)(list_)  # what it was called before there was `patchflow search`


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
    number: Annotated[str, typer.Argument(metavar="ID", help=f"A number {_ANY}")],
    *,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Print all names and all values of a preset.

    Example: patchflow presets show 17
    """
    from ..browse import preset_called
    from ..engines import engines
    from ..errors import PatchflowError
    from ._preset_output import print_preset

    entry, preset = preset_called(number, _opened(library))
    engine = None
    texts: Mapping[str, str] = {}
    with suppress(PatchflowError):  # what is stored can be shown without its synth
        engine = engines[entry.synth]
        texts = {} if as_json else engine().texts(preset)
    print_preset(entry, preset, engine, texts, as_json=as_json)


@app.command()
def export(
    numbers: Annotated[list[str], typer.Argument(metavar="ID", help=f"Numbers {_ANY}")],
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

    \b
    Example: patchflow presets export 17 18 19 -o brass.syx
    Example: patchflow presets export dexed:17 -o pad.syx
    """
    from ..browse import preset_called
    from ..engines import save_presets
    from ._preset_output import print_export

    source = _opened(library)
    save_presets(out, [preset_called(number, source)[1] for number in numbers])
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
