"""Everything about a match in numbers, for machines."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..audio.note_names import note_name
from ..match import MatchResult, Target
from ..metrics import metrics
from ..metrics._metric import units_of
from ..version import version
from .rendition import Rendition

__all__ = ["summarise"]


def summarise(
    result: MatchResult,
    renditions: Sequence[Rendition],
    files: Sequence[Path],
    sound: Path,
    *,
    loudness: float,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns what a match found and what it was asked for.

    Args:
        result: The outcome of the search.
        renditions: Its candidates as played, best first.
        files: The preset file of each.
        sound: The target's file.
        loudness: Of the part of the target that was matched, in LUFS.
        settings: What the search was asked for: `seconds` or `renders`, `seed` and all other options.

    Returns:
        JSON-serialisable values by name; None for what is not defined.
    """
    options = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    budget = {limit: options.pop(limit, None) for limit in ("seconds", "renders")}
    seed = options.pop("seed", None)
    candidates = [_candidate(rendition, file) for rendition, file in zip(renditions, files, strict=True)]
    return {
        "version": version(),
        "synth": result.candidates[0].preset.synth,
        "target": _target(result.target, sound, loudness),
        "units": units_of(metrics),
        "candidates": candidates,
        "uncertainty": {name: _finite(value) for name, value in result.uncertainty.items()},
        "renders": result.renders,
        "seconds": round(result.seconds, 3),
        "complete": result.complete,
        "budget": budget,
        "seed": seed,
        "options": options,
    }


def _target(target: Target, sound: Path, loudness: float) -> dict[str, Any]:
    notes = []
    for guess in target.guesses:
        name = note_name(guess.pitch)
        notes.append({"note": guess.pitch, "name": name, "confidence": _finite(guess.confidence)})
    return {
        "file": str(sound),
        "rate": target.source_rate,
        "trim_offset_s": target.trim_offset,
        "length_s": target.length,
        "hold_s": target.hold,
        "loudness_lufs": _finite(loudness),
        "notes": notes,
        "mended": list(target.notes),
    }


def _candidate(rendition: Rendition, file: Path) -> dict[str, Any]:
    candidate = rendition.candidate
    return {
        "preset": file.name,
        "note": candidate.note.pitch,
        "note_name": note_name(candidate.note.pitch),
        "velocity": candidate.note.velocity,
        "hold_s": candidate.note.hold,
        "length_s": candidate.note.length,
        "gain_db": rendition.gain_db,
        "distances": {distance.metric: distance.value for distance in rendition.distances},
        "renders": candidate.renders,
        "seconds": round(candidate.seconds, 3),
        "parameters": dict(candidate.preset.values),
    }


def _finite(value: float) -> float | None:
    """The number, or None for what strict JSON has no letters for."""
    return float(value) if math.isfinite(value) else None
