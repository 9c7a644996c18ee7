"""Writes the model card of shipped weights from the header of their file.

Usage: python benchmarks/model_card.py BANK.npz [--synth dexed]

The card lies beside the weights. Run this whenever weights are replaced.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from patchflow.data import Bank
from patchflow.engines import engines
from patchflow.models import load_model, models, read_header, shipped
from patchflow.old_names import with_new_names
from patchflow.storage import write_atomically
from patchflow.train import Recipe

GATHERED = 28_811  # distinct voices in the table that prepare_bank.py reads
RENAMED = {"dexed-more": "dexed-stage2", "dexed-third": "dexed-stage3", "dexed-fourth": "dexed-stage4"}
"""Recipes by the names that the headers of shipped weights know, and their names today."""

SOURCES = {
    "dexed": """{gathered:,} distinct DX7 voices from public cartridge collections (ROM and user banks that circulate as
freeware), of which {rejected:,} were rejected as silent or damaged. The {kept:,} others make {families:,}
families: voices that share nearly all their bytes, or that lie within 1 dB of each other by log-mel L1 at middle
C.""",
    "amsynth": """the {kept:,} distinct and audible presets of the factory banks that come with amsynth
(GPL-2.0-or-later). They make {families:,} families: presets that lie within 1 dB of each
other by log-mel L1 at middle C.""",
    "vital": """{kept:,} audible ones of those drawn around the fresh preset; nobody's presets were used. They make
{families:,} families: presets that lie within 1 dB of each other by log-mel L1 at middle C.""",
}
LIMITS = {
    "dexed": """What no DX7 can make, it cannot find.
- It learned from renders, not from recordings. The further a sound is from FM synthesis, the worse: speech,
  singing, noise and field recordings give poor likenesses. The results of the project have numbers by category.
- It may propose a preset close to a well-known voice, because it learned from such voices.""",
    "amsynth": """It is for amsynth as `patchflow synth add` describes it. Whoever changes the
  description trains their own: `patchflow train --synth`.
- It learned from renders, not from recordings, on one CPU core, for minutes; more is to be had.
- It may propose a preset close to a factory preset, because it learned from these.""",
    "vital": """It is for the core of Vital, on a fresh synth: no wavetables but the first, no sample of
  one's own.
- It learned from renders of presets that nobody made, on one CPU core, for minutes; much more is to be had.""",
}
NARROWED = "| narrowed | from {from} hidden units by `narrow.py`: {before} became {after} on {items} presets |\n"
CARD = """# {title}

Given a sound and the note it is to be played on, it proposes any number of presets of the synth `{synth}` that
may have made the sound. `patchflow match` renders what it proposes, keeps what sounds right and improves on it:
the proposals are where the search starts, not the result.

| | |
|---|---|
| file | `{file}`, {megabytes:.1f} MB, half precision, safetensors; its header holds all settings |
| licence of the weights | CC-BY-4.0 (the code is GPL-3.0-or-later) |
| model | `{model}`: a convolutional encoder of a log-mel spectrogram (80 bands, 4 s) and the note, and a conditional \
normalizing flow of neural spline couplings over all {parameters} parameters; {weights:.1f} million weights |
| sizes | {sizes} |
| made with | `{recipe}` |
{narrowed}
## Data

Presets: {source}
Whole families were dealt to training ({train:,} presets), validation ({valid:,}) and test ({test:,}), so no test
preset has a near-duplicate in training. The presets themselves are not part of the package.

Sounds: renders of these presets, of crossovers of two of them by whole groups of parameters, of presets with some
parameters moved and of shuffled ones, each on a random note: MIDI 24 to 96, velocity 20 to 127, held for 0.2 to 3.5 s.
Some went through a simulated recording: room, filter, noise, cut ends. No recording of a real instrument or voice was
used.

## Training

AdamW with warm-up and cosine decay; the weights are the moving average. Losses are negative log-likelihoods per
parameter, in nats, on training items (augmented) and on unseen validation presets (not augmented).

| run | sounds | presets, crossovers, moved | recorded | steps of items | on | minutes | rate | loss | unseen |
|---|---|---|---|---|---|---|---|---|---|
{runs}

## What it cannot do

- Its input is one note. Chords, phrases and drum loops get presets that imitate their average.
- Its input is the first 4 seconds.
- It knows one synth. {limits}
- Notes below MIDI 24 or above 96 were not in the training data.
"""


def main() -> None:
    """Writes the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", help="what the weights were trained on, made by prepare_bank.py")
    parser.add_argument("--synth", default="dexed")
    options = parser.parse_args()
    path = shipped(options.synth)
    if path is None:
        parser.error(f"no weights are shipped for {options.synth}")
    write_atomically(path.with_suffix(".md"), card(path, Bank.load(options.bank)).encode())


def card(path: Path, bank: Bank) -> str:
    """Returns the text of the card of some weights."""
    header = read_header(path)
    about = json.loads(header["about"])
    model = load_model(path, engines[header["synth"]].space, models)
    facts = {"kept": len(bank.points), "families": len(np.unique(bank.family))}
    source = SOURCES[header["synth"]].format(gathered=GATHERED, rejected=GATHERED - len(bank.points), **facts)
    sizes = with_new_names("sizes", json.loads(header["config"]))
    return CARD.format(
        title=f"The {header['model']} for the synth {header['synth']}",
        synth=header["synth"],
        file=path.name,
        megabytes=path.stat().st_size / 1e6,
        model=header["model"],
        parameters=len(model.space),
        weights=sum(weight.numel() for weight in model.parameters()) / 1e6,
        sizes=", ".join(f"{name} {size}" for name, size in sizes.items()),
        recipe="`, then `".join(f"patchflow train recipes/{_name(one)}.toml" for one in _lineage(about)),
        narrowed=NARROWED.format(**about["narrowed"]) if "narrowed" in about else "",
        source=source,
        limits=LIMITS[header["synth"]],
        **{split: int((bank.split == split).sum()) for split in ("train", "valid", "test")},
        runs="\n".join(_run(one) for one in _lineage(about)),
    )


def _lineage(about: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what is known of every run that made some weights, the first one first."""
    return [*(_lineage(about["before"]) if "before" in about else []), about]


def _name(about: dict[str, Any]) -> str:
    """Returns the name of the recipe that a run was made with, as the file is called today."""
    name = Path(about["recipe"]["out"]).name
    return RENAMED.get(name, name)


def _run(about: dict[str, Any]) -> str:
    """Returns a row of the table of runs."""
    recipe = with_new_names("recipe", about["recipe"])
    losses = about["losses"]
    shares = [recipe.get(name, Recipe.__dataclass_fields__[name].default) for name in ("plain", "crossed", "jittered")]
    cells = [
        f"`{_name(about)}`",
        f"{recipe['items']:,}{', renewed all the time' if recipe.get('stream') else ''}",
        ", ".join(f"{share:.0%}" for share in shares),
        f"{recipe['augmented']:.0%}",
        f"{about['steps']:,} of {recipe['batch']}",
        {"cpu": "CPU", "cuda": "GPU"}[recipe["device"]],
        f"{about.get('minutes', recipe['minutes']):.0f}",
        f"{recipe['learning_rate']:g}",
        f"{losses['train']:.3f}",
        f"{losses['valid']:.3f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
