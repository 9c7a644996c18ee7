"""Writes the model card of a run that was trained on examples, from its results.

Usage: python benchmarks/run_card.py RUN RECIPE --beside FOLDER [-o FILE]

RUN is the folder of `patchflow train RECIPE`, evaluated by `patchflow evaluate RUN`; FOLDER has the baselines of its
fold (`patchflow evaluate --baselines`). The card goes to RUN/card.md, or FILE.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from patchflow.engines import engines
from patchflow.evaluate.tables.board import Board, Row, boards_of, read_results
from patchflow.evaluate.tables.numbers import share
from patchflow.models import load_model, models, read_header
from patchflow.old_names import with_new_names
from patchflow.storage import write_atomically
from patchflow.train.recipe import read_recipe

METRICS = ("log_mel_l1", "spectral_convergence", "mss", "wmfcc", "mse_n")
CARD = """# The {model} for the synth {synth}

Given a sound, it makes one preset of the synth `{synth}` that may have made it, or any number of others at random.
{what}

| | |
|---|---|
| file | `{file}`, {megabytes:.1f} MB, half precision, safetensors; its header holds all settings |
| licence of the weights | CC-BY-4.0 (the code is GPL-3.0-or-later) |
| model | `{model}` over {parameters} parameters, {latent} latent dimensions; {weights:.2f} million weights |
| sizes | {sizes} |
| made with | `patchflow train {recipe}`; data `{data}`, fold {fold}, seed {seed} |
| training | {steps:,} steps of {batch} sounds, {minutes:.1f} minutes on {device} |

## Data

{items:,} examples in {families:,} families of near-identical sounds, made from a bank of presets by
`patchflow dataset`; all sounds are renders of one note: MIDI {pitch:g}, velocity {velocity:g}, held {hold:g} of 4 s.
Families were dealt to five folds; fold {fold} was never seen in training. The presets are not part of the package.

## How good it is

Means over {test} families of the test fold, with the standard error, and over recordings that no preset of the synth
made, played on their own note. One preset for each sound, nothing searched. See `patchflow list metrics`.

### Test fold

{test_table}

### Recordings

{sounds_table}
{macros}
## What it cannot do

- Its input is the first 4 seconds of one note, and it was trained at one pitch and velocity. On others its
  predictions are worse.
- It knows one synth and learned from renders alone, for minutes. `nearest` has the presets of a large bank at
  hand; the package has none.
- It is for research and for its map. `patchflow match` uses the posterior by default, which comes far
  nearer with the same number of renders: docs/results.md has both.
- It may propose a preset close to a well-known one, because it learned from such presets.
"""
MACROS = """
### Macro-controls

Latents of {sounds} test sounds, with one macro-control at -1 and at +1, both presets played: the share of sounds that
have more of the high end at +1, where 0.5 is chance, with its standard error; and how far that share of the other
attributes is from 0.5, on average, which chance alone makes about 0.05. Attributes inferred from names cannot be
measured.

| | effect | others |
|---|---|---|
{rows}
"""
WHAT = {
    "flow_reg": "Its map from latents to presets is invertible: `latent_of` gives the latent of any preset, exactly.",
    "flow_dis": """Its map from latents to presets is invertible, and its first macro-controls stand for
attributes:
{attributes}""",
    "flow_joint": """Its map from latents to presets is invertible: `latent_of` gives that of any preset. A
draw from N(0, I) is the latent of a possible preset, and the first coordinates of z stand for attributes:
{attributes}""",
}


def main() -> None:
    """Writes the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("recipe", type=Path, help="what it was trained with")
    parser.add_argument("--beside", type=Path, required=True, help="folder of the baselines")
    parser.add_argument("-o", "--out", type=Path, help="[RUN/card.md]")
    options = parser.parse_args()
    text = card(options.run, options.recipe, options.beside)
    write_atomically(options.out or options.run / "card.md", text.encode())


def card(folder: Path, file: Path, beside: Path) -> str:
    """Returns the text of the card of a run.

    Raises:
        SystemExit: If the run was not trained with this recipe.
    """
    recipe = with_new_names("recipe", json.loads((folder / "recipe.json").read_text()))
    summary = with_new_names("summary", json.loads((folder / "summary.json").read_text()))
    about = with_new_names("examples", json.loads((Path(recipe["data"]) / "about.json").read_text()))
    synth = recipe["synth"]
    model = recipe["model"]
    wanted = asdict(read_recipe(file, {}))
    differing = [key for key in wanted if key in recipe and wanted[key] != recipe[key]]
    if differing:
        raise SystemExit(f"{folder}: was trained with another {', '.join(differing)} than {file} says")
    path = folder / f"{synth}.safetensors"
    sizes = with_new_names("sizes", json.loads(read_header(path)["config"]))
    loaded = load_model(path, engines[synth].space, models)
    (board,) = boards_of(read_results([folder, beside]))
    pitch, velocity, hold = np.load(Path(recipe["data"]) / "notes.npy")[0]
    attributes = ", ".join(f"{low.lower()} to {high.lower()}" for low, high, _ in about["attributes"])
    return CARD.format(
        model=model,
        synth=synth,
        what=WHAT.get(model, "").format(attributes=fill(f"{attributes}.", 120)),
        file=f"{synth}-{model}.safetensors",
        megabytes=path.stat().st_size / 1e6,
        parameters=len(engines[synth].space),
        latent=getattr(loaded, "latent_size", 0),
        weights=sum(weight.numel() for weight in loaded.parameters()) / 1e6,
        sizes=", ".join(f"{name} {size}" for name, size in sizes.items()),
        recipe=file,
        steps=summary["trained"]["steps"],
        minutes=summary["trained"]["minutes"],
        device={"cpu": "one CPU core", "cuda": "a GPU"}[recipe["device"]],
        items=about["counts"]["items"],
        families=about["counts"]["families"],
        test=board.rows[0].families(),
        test_table=table(board, "lines"),
        sounds_table=table(board, "sounds"),
        macros=macros(summary.get("traversal", [])),
        pitch=pitch,
        velocity=velocity,
        hold=hold,
        **{key: recipe[key] for key in ("data", "fold", "seed", "batch")},
    )


def macros(traversal: list[dict[str, Any]]) -> str:
    """Returns the traversals of the macro-controls as a table; "" of a model without them."""
    if not traversal:
        return ""
    lines = []
    for entry in traversal:
        effect = share(entry["heard"], entry["sounds"])
        lines.append(f"| {' / '.join(entry['words'])} | {effect} | {entry['others']:.2f} |")
    return MACROS.format(sounds=traversal[0]["sounds"], rows="\n".join(lines))


def table(board: Board, part: str) -> str:
    """Returns the means of all rows that were measured on a part."""
    names = [name for name in METRICS if part == "lines" or name != "mse_n"]
    rows = []
    for row in board.rows:
        if any(getattr(result, part) for result in row.results):
            cells = [_mean(row, name, part) for name in names]
            rows.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join((f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}", *rows))


def _mean(row: Row, metric: str, part: str) -> str:
    numbers = np.array(list(row.by_family(metric, part).values()))
    if not len(numbers):
        return "-"
    return f"{numbers.mean():.3g} ± {numbers.std(ddof=1) / len(numbers) ** 0.5:.2g}"


if __name__ == "__main__":
    main()
