"""Evaluates trained models: runs to result files, result files to tables.

A run folder and its examples come in; `results.jsonl` (a line a test sound) and `summary.json` go out, and from those
alone a Markdown page and a JSON file. Open `runs.py` first: it calls the others in order.

* `runs`: evaluates a run, or the baselines of a fold, and continues what was interrupted.
* `testset`: the target sounds, a test part or a folder of recordings.
* `predictions`: a preset for each of them, by a model or a baseline; plays these and measures how near they are.
* `results`: writes and reads the lines.
* `disentanglement`: what latents and macro-controls know of the attributes.
* `tables`: result files to boards, claims and a page.
"""

from .runs import evaluate_baselines, evaluate_run
from .tables.page import write_tables

__all__ = ["evaluate_baselines", "evaluate_run", "write_tables"]
