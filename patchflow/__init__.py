"""Give it a sound, get the preset: finds the settings of a real synthesizer that make a sound.

Start with the command line, `patchflow match sound.wav`, or with `Matcher.load("dexed").match("sound.wav")`. To read
the code, follow a match: `cli/match.py`, `match/output/match_files.py`, `match/matcher.py`, `match/search.py`. Each
folder has a map in its `__init__.py`, and imports only from folders below it in this list:

* `cli`: the command line, one file a subcommand; parses, calls, prints
* `evaluate`: measures trained models and makes the tables of results
* `browse`: presets found by what they sound like, by words and on a map
* `match`: sound to presets: propose, render, rank, refine; the facade is `Matcher`; `match/output` writes the files
* `plugins`: plays a plug-in to find out what its parameters do, so that it becomes a synth
* `train`: the one training loop, recipes of trainings, checkpoints
* `models`: one architecture, one file, and the shipped weights; `metrics`: one distance between sounds, one file
* `data`: banks of presets, data sets, and examples for models of one note
* `nn`: network blocks that several models share
* `engines`: one synth, one file: a preset and a note to sound; `features`: sound to numbers; `flows`: bijections
* `resynthesis`: any recording as spectra over time, and these as wavetables of Vital
* `presets`: parameters, spaces, file formats, the library; `audio`: load, save, pitch, loudness; `hosts`: play plug-ins

The modules beside these rooms are used by all of them: `errors`, `registry`, `storage`, `settings`, `progress`,
`version`, `old_names`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .match import Matcher

__all__ = ["Matcher"]


def __getattr__(name: str) -> Any:
    # Imported on first use: `import patchflow` must not import torch, or `patchflow --help` would take seconds.
    if name == "Matcher":
        from .match import Matcher

        return Matcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
