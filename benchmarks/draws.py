"""How much presets drawn around the fresh one help a search without weights.

Usage: python benchmarks/draws.py SYNTH FOLDER  (writes benchmarks/results/draws_SYNTH.json)

FOLDER has preset files of the synth. Some of them are played, and each sound is searched for with either way to draw
first candidates and nothing else to begin with. The figures are the share of silent draws, and the distance of what
was found, in dB.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rows import Evenly

from patchflow.audio import Sound
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.match import Matcher, Target
from patchflow.match.arms import Arm
from patchflow.match.proposals import FromSpace, Proposer
from patchflow.presets import Preset, read_presets

RATE, TARGETS, DRAWS = 22_050, 6, 60
BUDGETS = (100,)
NOTE = Note(60, 100, hold=1.0, length=1.5)


def main(synth: str, folder: str) -> None:
    """Prints and writes the figures."""
    engine = engines[synth]
    ways: dict[str, Proposer] = {"evenly": Evenly(engine.space), "around the fresh preset": FromSpace(engine.space)}
    sounds = [played(engine, preset) for preset in some(Path(folder), TARGETS)]
    found: dict[str, dict[str, Any]] = {}
    for way, proposer in ways.items():
        matcher = Matcher([Arm(synth, engine, Renderer(engine), [proposer])])
        found[way] = {"silent draws": silent(engine, proposer)}
        for budget in BUDGETS:
            found[way][f"{budget} renders"] = [nearest(matcher, sound, budget) for sound in sounds]
    means = {}
    for way, facts in found.items():
        means[way] = {key: round(float(np.mean(value)), 3) for key, value in facts.items()}
    text = json.dumps({"targets": len(sounds), "mean": means, "all": found}, indent=1)
    print(text)
    (Path(__file__).parent / "results" / f"draws_{synth}.json").write_text(text + "\n")


def some(folder: Path, count: int) -> list[Preset]:
    """Returns presets from evenly spaced files of a folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [read_presets(file).presets[0] for file in files[:: max(1, len(files) // count)][:count]]


def played(engine: type[Engine], preset: Preset) -> Sound:
    """Returns the sound of a preset."""
    player = engine()
    player.build_on(preset.state)
    return Sound(player.render(engine.space.encode(preset.values), NOTE, RATE), RATE)


def silent(engine: type[Engine], proposer: Proposer) -> float:
    """Returns the share of draws that cannot be heard."""
    target = Target(np.zeros(100, np.float32), RATE, (), hold=1.0)
    player = engine()
    points = proposer.propose(target, NOTE.pitch, DRAWS, np.random.default_rng(0))
    peaks = np.array([np.abs(player.render(point, NOTE, RATE)).max() for point in points])
    return float(np.mean(peaks < 1e-4))


def nearest(matcher: Matcher, sound: Sound, budget: int) -> float:
    """Returns the distance of the best candidate, in dB."""
    result = matcher.match(sound, renders=budget, candidates=1, note=NOTE.pitch)
    return round(result.candidates[0].distances["log_mel_l1"], 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
