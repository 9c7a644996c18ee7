"""Texts that describe a data set: a card for people and the Hub, parameters, states; and what decides its bytes."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import soundfile

from ...engines import Subset, engines, selection_text
from ...errors import StorageError
from ...old_names import with_new_names
from ...parsing import damage_named, json_value
from ...presets import ParamSpace
from ...printable import json_line, markdown_text
from ...storage import read_bytes
from .job import Job
from .pool import DatasetRecipe, Pool

__all__ = ["card", "check_same_origin", "origin", "space_text", "states_text", "versions_of"]

_CARD = """---
license: {license}
pretty_name: {title_json}
task_categories:
- audio-classification
tags:
- audio
- synthesizer
- presets
size_categories:
- {size}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
---

# {title}

{kept:,} sounds of the synthesizer `{synth}` with the presets and the notes that made them.
Made by patchflow {version} from the recipe in `recipe.json`; item k depends on the seed and k alone.

```python
from datasets import Audio, load_dataset

sounds = load_dataset("parquet", data_dir=".", split="train")
sounds = sounds.cast_column("audio", Audio(decode=False))  # FLAC bytes; to decode them, install torchcodec
```

| column | what it is |
|---|---|
| `id` | number of the item; those that were left out are missing |
| `audio` | FLAC, {bits} bits, {rate:,} Hz, mono, {length:g} s |
| `parameters` | the preset, encoded: {parameters} numbers in [0, 1], in the order of `space.json` |
| `values` | the same in native units, as JSON |
| `note` | MIDI pitch and velocity, hold and length in seconds |
| `preset` | name of the preset, or of the two it was made of |
| `sources` | where these come from |
| `kind` | plain, crossed (of two presets), jittered (moved from one) or random |
| `tags` | category and tags of these presets |
| `gain_db` | how much the sound was turned down so as not to clip |
| `family` | sounds that are nearly the same, or have the same preset or parent, share it |

{states}A split is valid if no family is divided, and no crossover has parents on the other side (`sources`).

## What was drawn and what was kept

| sounds | number |
|---|---|
| drawn | {drawn:,} |
| the synth could not play | {failed:,} (left out) |
| silent (peak below {silence_db:g} dB) | {silent:,} ({silent_fate}) |
| too loud to fit | {clipped:,} ({clipped_fate}) |
| equal to one before | {duplicates:,} ({duplicates_fate}) |
| nearly equal to one before ({radius}) | {twins:,} (kept, in one family) |
| **kept** | **{kept:,}** in {families:,} families |

`sha256sum -c checksums.sha256` finds a damaged file, and `patchflow dataset FOLDER --verify` too.
"""

_STATES = """A sound was played on top of what the first of its `sources` holds beyond the parameters, such as
wavetables; `states.json` has that by source, in base 64.

"""

_SOUNDS = ("patchflow", "numpy", "pyarrow", "soundfile")
_OF_SYNTH = {"dexed": ("dexed-py",), "tone": (), "vital": ("vita",), "vital_full": ("vita",)}
_HOSTS = ("dawdreamer", "pedalboard")  # which play all other synths


def card(
    recipe: DatasetRecipe,
    counts: Mapping[str, int],
    versions: Mapping[str, str],
    parameters: int,
    *,
    states: bool = False,
) -> str:
    """Returns the content of `README.md`.

    Args:
        recipe: The recipe.
        counts: Numbers of sounds, see `Relations`.
        versions: Versions by package, patchflow among them.
        parameters: Number of parameters of the synth.
        states: Whether any preset has a state beyond its parameters.
    """
    title = recipe.title or f"Sounds of {recipe.synth}"
    dropped = {flaw: "left out" if flaw in recipe.drop else "kept" for flaw in ("silent", "duplicates")}
    facts: dict[str, Any] = {
        **asdict(recipe),
        **counts,
        "license": _yaml(recipe.license),
        "title": markdown_text(title),
        "title_json": json_line(json.dumps(title, ensure_ascii=False)),
        "size": _size(counts["kept"]),
        "version": versions["patchflow"],
        "parameters": parameters,
        "silent_fate": dropped["silent"],
        "duplicates_fate": dropped["duplicates"],
        "clipped_fate": "left out" if "clipped" in recipe.drop else "turned down, see `gain_db`",
        "states": _STATES if states else "",
        "radius": f"within {recipe.radius_db:g} dB" if recipe.radius_db else "not looked for",
    }
    return _CARD.format(**facts)


def _yaml(text: str) -> str:
    """A text in the head of the card; in quotes, which are those of JSON, unless it is a plain word."""
    return text if re.fullmatch(r"[\w.+-]+", text) else json_line(json.dumps(text, ensure_ascii=False))


def states_text(pool: Pool) -> str:
    """Returns the content of `states.json`."""
    texts = {}
    for id_, state in zip(pool.ids, pool.states, strict=True):
        if state:
            texts[id_] = base64.b64encode(state).decode()
    return json.dumps(texts, indent=1) + "\n"


def space_text(space: ParamSpace) -> str:
    """Returns the content of `space.json`: name, kind, range and unit of every parameter, in order.

    Example:
        >>> from patchflow.presets import Knob
        >>> json.loads(space_text(ParamSpace((Knob("gain", -60.0, 0.0, unit="dB"),))))[0]["kind"]
        'knob'
    """
    entries = [{"kind": type(entry).__name__.lower(), **asdict(entry)} for entry in space.parameters]
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
}


def _size(count: int) -> str:
    """The Hub's category of a number of items."""
    for limit, name in _SIZES.items():
        if count < limit:
            return name
    return "100M<n<1B"


def origin(job: Job) -> dict[str, Any]:
    """Returns what must be equal for two calls to make the same data set, JSON-serialisable.

    Args:
        job: The recipe and its presets.
    """
    versions = versions_of(job.recipe.synth, _SOUNDS) | {"libsndfile": soundfile.__libsndfile_version__}
    presets = {"count": len(job.pool), "rejected": job.pool.rejected, "sha256": job.pool.digest()}
    return {"recipe": job.recipe.plain_values(), "presets": presets, "versions": versions}


def versions_of(synth: str, packages: Sequence[str]) -> dict[str, str]:
    """Returns the versions of packages, those that play a synth among them.

    A subset of a synth's parameters counts as a package: its version is a checksum of the selection.

    Args:
        synth: Name of the engine.
        packages: Names of further packages that decide the bytes.
    """
    engine = engines[synth]
    whole = synth
    selection: dict[str, str] = {}
    if issubclass(engine, Subset):
        whole = engine.selection.engine
        text = selection_text(engine.selection, "")
        selection[synth] = hashlib.sha256(text.encode()).hexdigest()[:16]
    names = (*packages, *_OF_SYNTH.get(whole, _HOSTS))
    return {name: _version(name) for name in names} | selection


def check_same_origin(path: Path, origin: Mapping[str, Any]) -> None:
    """Makes sure that a folder holds the data set that is asked for, of the same presets and versions.

    Args:
        path: The file that `Folder.begin` wrote.
        origin: What is asked for, see `origin`.

    Raises:
        StorageError: If it holds something else, or is damaged.
    """
    with damage_named(path, hint="Give another folder."):
        found = json_value(read_bytes(path))
        found["recipe"] = with_new_names("examples", found["recipe"])
        changes = []
        for table in ("recipe", "presets", "versions"):
            for key, value in origin[table].items():
                if found[table].get(key) != value:
                    changes.append(f"{key}={found[table].get(key)!r}, not {value!r}")
    if changes:
        raise StorageError(f"{path.parent}: holds a data set of {changes[0]}. Give another folder, or the same again.")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
