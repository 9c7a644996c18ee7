"""Adds plug-ins to the synths of this computer, and removes them."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..engines import (
    Description,
    described,
    description_file,
    engines,
    need_dawdreamer,
    read_description,
    subset_files,
    to_text,
)
from ..errors import EngineError, OptionError, RenderError, StorageError, UnknownName
from ..hosts import WAYS, HostProcess, Lv2Plugin, bundle_plugins, find_lv2, found_by_name, is_uri, plain_name
from ..progress import Progress, ProgressCallback, ignore
from ..storage import make_folder, reason, write_atomically
from .probe import probe
from .trial import Trial

__all__ = ["add_synth", "remove_synth", "synth_description"]

_MOST = 12  # plug-ins that a message names
_COMPARED = 4  # random presets
_FILE = re.compile(r"[/\\]|^[.~]|\.(so|vst3?|dll|component|lv2)$", re.IGNORECASE)  # how names of files look


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
        plugin: A plug-in's file or bundle, the address of an LV2 plug-in, or the name of one that is installed where
            plug-ins usually are.
        name: The synth's name; from that of the file or address if "".
        force: Whether to replace an existing description.
        fresh: How each note gets a fresh plug-in, one of `hosts.WAYS`; measured if "".
        patience: Seconds that the plug-in may take to load, and for each note.
        progress: Called with the present stage and the share of it that is done.

    Raises:
        OptionError: If the name is taken or cannot be a name, `fresh` is no way, or `plugin` could be several or none.
        MissingDependency: If the package that loads plug-ins is not installed.
        EngineError: If it cannot be described, see `probe`.
        StorageError: If the description cannot be written.
    """
    if fresh and fresh not in WAYS:
        raise OptionError(f"fresh={fresh!r}: not one of {', '.join(WAYS)}")
    where = _address(plugin)
    name = name or plain_name(where)
    file = description_file(name)
    if name in engines.own or name in subset_files():
        raise OptionError(f"name={name!r}: a shipped synth has this name. Choose another with --name.")
    if file.exists() and not force:
        raise OptionError(f"name={name!r}: {file} is there. Choose another with --name, or replace it with --force.")
    progress(Progress("loading", 0.0))
    fresh = fresh or _way(where, name, patience)
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


def _address(plugin: str) -> str:
    """The file or address of a plug-in, whatever it was called by."""
    path = Path(plugin).expanduser()
    if is_uri(plugin):
        return plugin
    if (path / "manifest.ttl").is_file():
        return _of_bundle(path)
    if path.exists() or _FILE.search(plugin):
        return str(path.absolute())
    found = found_by_name(plugin)
    if len(found) > 1:
        raise OptionError(f"{plugin}: {len(found)} plug-ins are called so: {_listed(found)}. Add one of these.")
    for only in found:
        return only
    raise OptionError(f"{plugin}: there is no such file, and no plug-in of this name where plug-ins usually are")


def _of_bundle(folder: Path) -> str:
    """The address of the only plug-in, or only instrument, of an LV2 bundle."""
    plugins = bundle_plugins(folder.absolute())
    chosen = [plugin for plugin in plugins if plugin.instrument] or list(plugins)
    if not chosen:
        raise OptionError(f"{folder}: this LV2 bundle has no plug-ins, only presets or descriptions")
    if len(chosen) > 1:
        kind = "instruments" if chosen[0].instrument else "plug-ins"
        named = [f"{plugin.address} ({plugin.name})" if plugin.name else plugin.address for plugin in chosen]
        raise OptionError(f"{folder}: has {len(chosen)} {kind}: {_listed(named)}. Add one by its address.")
    _check_it_is_found(chosen[0])
    return chosen[0].address


def _check_it_is_found(plugin: Lv2Plugin) -> None:
    found = find_lv2(plugin.address)
    if found is None or not found.bundle.samefile(plugin.bundle):
        elsewhere = f"another one, in {found.bundle}, has its address" if found else "LV2 plug-ins are not found there"
        raise EngineError(
            f"{plugin.bundle}: {elsewhere}. Move it to ~/.lv2, or set LV2_PATH={plugin.bundle.parent} for all commands."
        )


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _way(plugin: str, name: str, patience: float) -> str:
    """`"reload"` for a plug-in whose copies play something else, as they have none of its threads; else "".

    Some compute what they play in threads of their own, such as synthv1 its waves.
    """
    need_dawdreamer(name)
    with _host(plugin, patience, "fork") as copies, _host(plugin, patience, "reload") as anew:
        try:
            facts = copies.ask("describe", {"grid": []}).facts
            if not facts["threads"] or not facts["parameters"]:
                return ""
            rng = np.random.default_rng(0)
            count = len(facts["parameters"])
            presets = [{}, *(dict(enumerate(rng.random(count).tolist())) for _ in range(_COMPARED))]
            trial = Trial(anew)
            trial.measure_noise([])
        except RenderError:
            return ""  # whether it plays at all is seen later
        for preset in presets:
            copy = Trial(copies).tried(preset)
            real = trial.tried(preset)
            if real is not None and (copy is None or trial.differ(copy, real)):
                return "reload"
    return ""


def _host(plugin: str, patience: float, fresh: str) -> HostProcess:
    return HostProcess("dawdreamer", {"path": plugin}, name=plugin, fresh=fresh, patience=patience, loading=patience)
