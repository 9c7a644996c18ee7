"""Matches sounds one after the other and writes what was found for each."""

import importlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engines import engines
from ..errors import AudioError, PatchflowError, RenderError, StorageError
from ..match.matcher import Matcher, encode_locks
from ..progress import ProgressCallback, ignore
from ..storage import writable_folder
from ..threads import one_torch_thread
from .names import choose_names
from .play import only_voice
from .writer import Report, Writer

__all__ = ["Failure", "match_files"]

_WARM_UP = 22_050  # samples of the silence that is drawn first


@dataclass(frozen=True)
class Failure:
    """A sound that could not be matched.

    Args:
        sound: Its file.
        error: Why not.
    """

    sound: Path
    error: PatchflowError


def match_files(
    synth: str,
    sounds: Sequence[Path],
    folder: Path,
    *,
    model: Path | None = None,
    library: Path | None = None,
    on: Path | None = None,
    voice: int | None = None,
    progress: ProgressCallback = ignore,
    **search: Any,
) -> Iterator[Report | Failure]:
    """Matches every sound and writes its files; several sounds make banks of the best presets as well.

    A sound that cannot be matched does not keep the others from it. After an interrupted search
    there are no more.

    Args:
        synth: Name of the engine.
        sounds: Files to match.
        folder: Where to write; made if it is not there.
        model: Weights to use instead of those that come with the package.
        library: A preset library whose presets join the candidates.
        on: A preset file that all candidates are built on, see `Matcher.load`.
        voice: Which preset of that file, from 1; needed if it holds several.
        progress: Told how each search is doing; its `subject` is the name of the sound's file.
        search: What else `Matcher.match` takes: `seconds` or `renders`, `candidates`, `note` and so on.

    Yields:
        What was written or what went wrong, for each sound in turn.

    Raises:
        PatchflowError: If no sound can be matched: an unknown synth or parameter, bad weights, an option
            out of its range, a preset to build on that is none, a folder that cannot be written to.
    """
    encode_locks(engines[synth].space, search.get("lock") or {})
    base = None if on is None else only_voice(on, voice, synth)
    with one_torch_thread(), writable_folder(folder):
        matcher = Matcher.load(synth, model, library, on=base)
        tools = _tools_beside()
        start = {"model": model, "library": library, "on": on, "voice": voice}
        writer = Writer(synth, folder, {**search, **start}, bank=len(sounds) > 1)
        names = choose_names(sounds, folder, writer.extension, search.get("candidates", 4))
        for sound, files in zip(sounds, names, strict=True):
            try:
                result = matcher.match(sound, progress=_about(sound, progress), **search)
                tools.join()
                yield writer.write(result, sound, files)
            except (AudioError, RenderError, StorageError) as error:
                yield Failure(sound, error)
            else:
                if not result.complete:
                    return


def _about(sound: Path, progress: ProgressCallback) -> ProgressCallback:
    """Tells which sound a search is for."""
    return lambda state: progress(replace(state, subject=sound.name))


def _tools_beside() -> threading.Thread:
    """Imports what the report needs, and finds its fonts, while the search runs: seconds nobody should wait for."""

    def prepare() -> None:
        importlib.import_module("pyloudnorm")
        picture = importlib.import_module("patchflow.output.picture")
        picture.draw([picture.Panel(np.zeros(_WARM_UP), "0", "0")], _WARM_UP)

    thread = threading.Thread(target=prepare)  # no daemon: ended within the fonts' library it would abort the program
    thread.start()
    return thread
