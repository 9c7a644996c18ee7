"""Matches sounds one after the other and writes what was found for each."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...engines import ChosenSynths, Started, engines, one_torch_thread
from ...errors import AudioError, PatchflowError, RenderError, StorageError
from ...metrics.perceptual import aspect_weights
from ...presets import Preset, Value
from ...progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from ...storage import locked, writable_folder
from ..limits import check_locks
from ..matcher import Matcher
from .drawing import drawing_beside
from .names import choose_names
from .play import only_voice
from .writer import Report, Writer

__all__ = ["Failure", "match_files"]


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
    synths: str | ChosenSynths,
    sounds: Sequence[Path],
    folder: Path,
    *,
    wavetables: str = "both",
    model: Path | None = None,
    library: Path | None = None,
    on: Path | None = None,
    voice: int | None = None,
    seconds: float | None = None,
    renders: int | None = None,
    candidates: int = 4,
    note: int | None = None,
    lock: Mapping[str, Value | None] | None = None,
    seed: int = 0,
    trim_db: float | None = None,
    like: Mapping[str, float] | None = None,
    since: float | None = None,
    started: Mapping[str, Started] | None = None,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> Iterator[Report | Failure]:
    """Matches every sound and writes its files; several sounds make banks of the best presets as well.

    Args:
        synths: Name of the engine, or the choice of several.
        sounds: Files to match.
        folder: Where to write; made if it is not there.
        wavetables: See `Matcher.load`.
        model: See `Matcher.load`, as `library` and, with its file and the place in it, `on`.
        library: A preset library whose presets join the candidates.
        on: A preset file that all candidates are built on.
        voice: Which preset of that file, from 1; needed if it holds several.
        seconds: Seconds to search for each sound; 5 if neither this nor `renders` is given.
        renders: Renders to spend on each sound. The same seed then gives the same files.
        candidates: How many distinct presets to write for each sound at most, 1 to 32.
        note: MIDI note of the sounds; estimated if None.
        lock: Parameters or groups to keep fixed, see `Matcher.match`.
        seed: Of the random generator of each search.
        trim_db: Silence threshold below the peak, in dB; see `prepare_target` for None.
        like: How much aspects of the sounds count, see `Matcher.match`.
        since: When loading began, by `time.monotonic`.
        started: Synths that are started already, see `Matcher.load`.
        progress: Called after every batch of renders; its `subject` is the name of the sound's file.
        tell: Called with what was mended in the preset of `on`.

    Yields:
        What was written or what went wrong, for each sound.

    Raises:
        PatchflowError: If none can be matched: an unknown synth, a bad option, a folder in use and the like.
    """
    search: dict[str, Any] = {"seconds": seconds, "renders": renders, "candidates": candidates, "note": note}
    search |= {"lock": lock, "like": like, "seed": seed, "trim_db": trim_db}
    chosen, base = _checked(synths, search, on, voice, tell)
    with drawing_beside(), one_torch_thread(), writable_folder(folder), locked(folder):
        matcher = Matcher.load(chosen.names, model, library, on=base, wavetables=wavetables, started=started)
        writer = Writer(chosen.names, {"on": on, "voice": voice}, chosen.left_out, bank=len(sounds) > 1, since=since)
        yield from _match_each(matcher, writer, sounds, folder, search, progress=progress)


def _checked(
    synths: str | ChosenSynths, search: Mapping[str, Any], on: Path | None, voice: int | None, tell: TellCallback
) -> tuple[ChosenSynths, Preset | None]:
    """The synths and the preset of `on`, if aspects and locks are right: found out before anything is loaded."""
    chosen = ChosenSynths((synths,)) if isinstance(synths, str) else synths
    aspect_weights(search["like"] or {})
    check_locks(search["lock"] or {}, [engines[synth].space for synth in chosen.names])
    return chosen, only_voice(on, voice, chosen.names[0], tell=tell) if on else None


def _match_each(
    matcher: Matcher,
    writer: Writer,
    sounds: Sequence[Path],
    folder: Path,
    search: Mapping[str, Any],
    *,
    progress: ProgressCallback,
) -> Iterator[Report | Failure]:
    """Matches sounds one after the other, until a search is interrupted.

    One that loses its synth is not: the others are matched too, if the synth can be started again.
    """
    # The synths that play what is written start beside the first search: it may take a while, but not our time. What
    # goes wrong is said when they have to play.
    warm = threading.Thread(target=writer.start)
    warm.start()
    all_names = choose_names(sounds, folder, writer.extensions, search["candidates"])
    for sound, names in zip(sounds, all_names, strict=True):
        try:
            result = matcher.match(sound, progress=_about(sound, progress), **search)
            searched = time.monotonic()
            warm.join()
            yield writer.write(result, sound, names, searched=searched)
        except (AudioError, RenderError, StorageError) as error:
            yield Failure(sound, error)
        else:
            if not (result.complete or result.stopped):  # the next sound may find a synth that was lost alive again
                return


def _about(sound: Path, progress: ProgressCallback) -> ProgressCallback:
    """The same callback, with the name of a sound as the subject."""

    def tell(state: Progress) -> None:
        progress(replace(state, subject=sound.name))

    return tell
