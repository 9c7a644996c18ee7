"""Adds plug-ins to the synths of this computer, and removes them."""

from pathlib import Path

from ..engines import Description, described, description_file, engines, read_description, subset_files, to_text
from ..errors import OptionError, StorageError, UnknownName
from ..hosts import WAYS
from ..progress import ProgressCallback, ignore
from ..storage import make_folder, reason, write_atomically
from .kinds import synth_name
from .probe import probe

__all__ = ["add_synth", "remove_synth", "synth_description"]


def add_synth(
    plugin: str,
    name: str = "",
    *,
    force: bool = False,
    fresh: str = "",
    patience: float = 15.0,
    progress: ProgressCallback = ignore,
) -> Description:
    """Describes a plug-in, which is then a synth like all others.

    Nothing is written unless all went well.

    Args:
        plugin: A plug-in's file or bundle, or the address of an LV2 plug-in.
        name: The synth's name; from the file's name if "".
        force: Whether to replace an existing description.
        fresh: How each note gets a fresh plug-in, one of `hosts.WAYS`; measured if "".
        patience: Seconds that the plug-in may take to load, and for each note.
        progress: Called with the present stage and the share of it that is done.

    Raises:
        OptionError: If the name is taken or cannot be a name, or `fresh` is no way.
        MissingDependency: If the package that loads plug-ins is not installed.
        EngineError: If it cannot be described, see `probe`.
        StorageError: If the description cannot be written.
    """
    if fresh and fresh not in WAYS:
        raise OptionError(f"fresh={fresh!r}: not one of {', '.join(WAYS)}")
    name = name or synth_name(plugin)
    file = description_file(name)
    if name in engines.own or name in subset_files():
        raise OptionError(f"name={name!r}: a shipped synth has this name. Choose another with --name.")
    if file.exists() and not force:
        raise OptionError(f"name={name!r}: {file} is there. Choose another with --name, or replace it with --force.")
    where = plugin if "://" in plugin else str(Path(plugin).expanduser().absolute())
    found = probe(where, name, fresh=fresh, patience=patience, progress=progress)
    make_folder(file.parent)
    write_atomically(file, to_text(found).encode())
    return found


def remove_synth(name: str) -> Path:
    """Removes the description of a plug-in; the plug-in itself stays.

    Returns:
        The file that was removed.

    Raises:
        UnknownName: If no plug-in is described under this name.
        StorageError: If the file cannot be removed.
    """
    file = _file(name)
    try:
        file.unlink()
    except OSError as error:
        raise StorageError(f"cannot remove {file}: {reason(error)}") from error
    return file


def synth_description(name: str) -> Description:
    """Returns what is known of a plug-in.

    Raises:
        UnknownName: If no plug-in is described under this name.
        EngineError: If its description is not right.
    """
    return read_description(_file(name))


def _file(name: str) -> Path:
    if name not in described():
        raise UnknownName("plug-in", name, described())
    return description_file(name)
