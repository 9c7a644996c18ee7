"""Everything about a match in numbers, for machines; and which presets such a file describes."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...audio.note_names import note_name
from ...engines import ChosenSynths
from ...errors import StorageError
from ...metrics import metrics
from ...metrics._metric import units_of
from ...parsing import read_object
from ...version import version
from ..result import Candidate, MatchResult
from ..target import Target
from ..verdict import pitch_of, pitch_text, remarks
from .names import OutputNames
from .rendition import Rendition

__all__ = ["Earlier", "earlier", "summarise"]

_FORMAT = "patchflow-result"
_LARGEST = 2**24  # bytes of a file of numbers


def summarise(
    result: MatchResult,
    renditions: Sequence[Rendition],
    names: OutputNames,
    sound: Path | None,
    *,
    loudness: float,
    settings: Mapping[str, Any],
    lacks: Mapping[str, Mapping[str, str]],
    banks: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Returns what a match found and what it was asked for.

    Args:
        result: The outcome of the search.
        renditions: Its candidates as played, best first.
        names: The files of each.
        sound: The target's file; None if there is none.
        loudness: Of the part of the target that was matched, in LUFS.
        settings: What the search was asked for: `seconds` or `renders`, `seed` and all other options.
        lacks: What each synth cannot do, see `verdict.remarks`.
        banks: Place in a bank, by the name of the preset's own file.

    Returns:
        JSON-serialisable values by name; None for what is not defined.
    """
    options = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    budget = {limit: options.pop(limit, None) for limit in ("seconds", "renders")}
    seed = options.pop("seed", None)
    candidates = []
    for rendition, file, audio in zip(renditions, names.presets, names.sounds, strict=True):
        own = rendition.candidate
        said = remarks(rendition.verdict, own.note, result.target, lacks[own.preset.synth])
        content = {"preset": file.name, "audio": audio.name, "synth": own.preset.synth, "kind": own.kind or None}
        content |= {"bank": banks.get(file.name), **_verdict(rendition, result.target), "remarks": list(said)}
        candidates.append({**content, **_candidate(rendition)})
    return {
        "format": _FORMAT,
        "version": version(),
        "synth": renditions[0].candidate.preset.synth,
        "synths": list(result.synths),
        "target": _target(result.target, sound, loudness),
        "units": units_of(metrics),
        "candidates": candidates,
        "uncertainty": _uncertainty(result, renditions[0].candidate),
        "renders": result.renders,
        "seconds": round(result.seconds, 3),
        "complete": result.complete,
        "budget": budget,
        "seed": seed,
        "options": options,
        "locks": {part: list(ChosenSynths(result.synths).who_has(part)) for part in options.get("lock") or {}},
        "dealt": dict(result.dealt),
        "audio": names.sounds[0].name,
        "comparison": names.comparison.name,
        "picture": names.picture.name,
        "bank": next(iter(banks.values()), None),
    }


@dataclass(frozen=True)
class Earlier:
    """What a match wrote, as far as its numbers say.

    Args:
        path: The file with the numbers.
        synth: The synth of the best candidate.
        presets: Names of the preset files, best first.
        sounds: Names of the candidates' sounds, best first; none if an older version wrote them.
        banks: Names of the banks that hold candidates.
        checksums: SHA-256 by name of each file; none if an older version wrote them.
        content: All that is in the file.
    """

    path: Path
    synth: str
    presets: tuple[str, ...]
    sounds: tuple[str, ...]
    banks: frozenset[str]
    checksums: Mapping[str, str]
    content: Mapping[str, Any]

    def holds(self, path: Path) -> bool:
        """Returns whether a file beside is still the one that was written; older versions do not tell."""
        wanted = self.checksums.get(path.name)
        try:
            with path.open("rb") as file:
                return wanted is None or hashlib.file_digest(file, "sha256").hexdigest() == wanted
        except OSError:
            return False

    def without_banks(self, banks: Collection[str]) -> dict[str, Any]:
        """Returns the content without places in some banks."""

        def kept(part: Mapping[str, Any]) -> dict[str, Any]:
            place = part.get("bank")
            return {**part, "bank": None} if place and place["file"] in banks else dict(part)

        candidates = [kept(candidate) for candidate in self.content["candidates"]]
        return {**kept(self.content), "candidates": candidates}


def earlier(path: Path) -> Earlier | None:
    """Returns what a file says that a match wrote; None if it is not there, or no such file.

    Example:
        >>> earlier(Path("nowhere.json"))
    """
    try:
        content = read_object(path, _LARGEST)
        if not {"synth", "target", "candidates"} <= content.keys():  # older versions do not name the format
            return None
        candidates = content["candidates"]
        presets = tuple(_beside(path, str(each["preset"])) for each in candidates)
        sounds = tuple(_beside(path, str(each["audio"])) for each in candidates if "audio" in each)
        checksums = {str(name): str(digest) for name, digest in content.get("files", {}).items()}
        places = [content.get("bank"), *(each.get("bank") for each in candidates)]
        banks = frozenset(str(place["file"]) for place in places if place)
        return Earlier(path, str(content["synth"]), presets, sounds, banks, checksums, content)
    except (StorageError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _beside(path: Path, name: str) -> str:
    """The name of a file in the folder of a path, whatever folder it is said to be in.

    Raises:
        ValueError: If there can be no such file.
    """
    return path.with_name(Path(name).name).name


def _target(target: Target, sound: Path | None, loudness: float) -> dict[str, Any]:
    notes = []
    for guess in target.guesses:
        name = note_name(guess.pitch)
        sure = _finite(guess.confidence)
        notes.append({"note": guess.pitch, "name": name, "confidence": sure, "cents": guess.cents})
    sounding = None if target.f0 is None else pitch_of(target.f0)
    return {
        "file": None if sound is None else str(sound),
        "rate": target.source_rate,
        "trim_offset_s": target.trim_offset,
        "length_s": target.length,
        "hold_s": target.hold,
        "loudness_lufs": _finite(loudness),
        "notes": notes,
        "pitched": target.pitched,
        "f0_hz": target.f0,
        "sounding_note": None if sounding is None else pitch_text(sounding),
        "sounding_cents": None if sounding is None else round(100 * (sounding - round(sounding)), 1),
        "remark": target.remark,
        "mended": list(target.notes),
    }


def _candidate(rendition: Rendition) -> dict[str, Any]:
    candidate = rendition.candidate
    return {
        "note": candidate.note.pitch,
        "note_name": note_name(candidate.note.pitch),
        "velocity": candidate.note.velocity,
        "hold_s": candidate.note.hold,
        "length_s": candidate.note.length,
        "loudness_lufs": _finite(rendition.loudness),
        "gain_db": rendition.gain_db,
        "distances": {distance.metric: distance.value for distance in rendition.distances},
        "renders": candidate.renders,
        "seconds": round(candidate.seconds, 3),
        "parameters": dict(candidate.preset.values),
    }


def _uncertainty(result: MatchResult, best: Candidate) -> dict[str, float | None] | None:
    """How sure the search was of each parameter of the best.

    None where no search went on from it, or where another synth is the best at the full rate.
    """
    if not result.uncertainty or not result.uncertainty.keys() <= best.preset.values.keys():
        return None
    return {name: _finite(value) for name, value in result.uncertainty.items()}


def _verdict(rendition: Rendition, target: Target) -> dict[str, Any]:
    """What a musician wants to know, in words and in numbers."""
    verdict = rendition.verdict
    sounding = None
    if target.f0 is not None and verdict.cents is not None:
        sounding = target.f0 * 2 ** (verdict.cents / 1200)
    differences = {}
    for each in verdict.differences:
        differences[each.name] = {
            "text": each.text if each.counts else "",
            "candidate": each.candidate,
            "target": each.target,
            "unit": each.unit,
        }
    return {
        "closeness": rendition.closeness,
        "tuning": verdict.tuning or None,
        "cents": verdict.cents,
        "sounding_hz": sounding,
        "sounding_note": None if sounding is None else pitch_text(pitch_of(sounding)),
        "differences": differences,
    }


def _finite(value: float) -> float | None:
    """The number, or None for what strict JSON has no letters for."""
    return float(value) if math.isfinite(value) else None
