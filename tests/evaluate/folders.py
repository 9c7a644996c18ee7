"""Result folders written by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchflow.evaluate.results import FORMAT
from patchflow.metrics import metrics

__all__ = ["line", "write_result"]


def line(item: int, value: float | None, family: int | None = None, **others: Any) -> dict[str, Any]:
    """A line whose every number is `value`, unless others are given."""
    numbers = dict.fromkeys(("mse_n", *metrics), value)
    about = {"item": item, "family": item if family is None else family, "category": "", "note": [60, 100, 3.0]}
    return about | numbers | {"fault": ""} | others


def write_result(folder: Path, row: str, lines: Sequence[Mapping[str, Any]], **head: Any) -> Path:
    """Writes the results of a run; a baseline's if the size is ""."""
    sounds, summary = head.pop("sounds", None), head.pop("summary", {})
    known = {"format": FORMAT, "row": row, "fold": 0, "seed": 0, "weights": "", "size": "small", "sizes": {}}
    known |= {"synth": "tone_16", "parameters": 16, "data": "d", "part": "test", "items": len(lines)} | head
    known["kind"] = "model" if known["size"] else "baseline"
    folder.mkdir(parents=True)
    _write(folder / "results.jsonl", known, lines)
    if sounds is not None:
        _write(folder / "sounds.jsonl", known | {"part": "sounds", "items": len(sounds), "sounds": "s"}, sounds)
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def _write(path: Path, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in (head, *lines)))
