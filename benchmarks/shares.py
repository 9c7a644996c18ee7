"""Where the processor time of a search goes: the engine, the analysis of its sounds, the model, and all else.

Usage: python benchmarks/shares.py [--synth dexed] [--renders 3000] [--voices 4]
       (writes benchmarks/results/shares.json)

Targets are notes of 4 s, held for 3, of voices that the synth's model proposes for an example: there is no bank to
read. What is counted is the time of each thread on a processor, so it hardly matters what else the machine does.
"""

import argparse
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from patchflow import Matcher
from patchflow.audio.sound_file import load
from patchflow.engines import Note
from patchflow.match import Budget, NoteGuess, Target, scorer
from patchflow.match.proposals import FromModel
from patchflow.match.search import Search
from patchflow.match.target import prepare_target
from patchflow.metrics.perceptual import Reference

SOUND = Path(__file__).parents[1] / "patchflow" / "examples" / "bell.flac"
RATE = 22_050
NOTE = Note(60, hold=3.0, length=4.0)
AUDIBLE = 0.05  # peak that a target has at least


class Clock:
    """Adds up the processor time of calls, by what they are for; a call within one of the same kind counts once."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._within = threading.local()  # what this thread is in the middle of

    @contextmanager
    def watching(self, owner: Any, name: str, what: str) -> Iterator[None]:
        """Counts the calls of a function or method of an owner."""
        call: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            if getattr(self._within, what, False):
                return call(*arguments, **options)
            setattr(self._within, what, True)
            start = time.thread_time()
            try:
                return call(*arguments, **options)
            finally:
                setattr(self._within, what, False)
                # Several threads add to one number, but a lost one in a million would not be seen.
                self.spent[what] += time.thread_time() - start  # type: ignore[assignment]

        with patch.object(owner, name, timed):
            yield


def main() -> None:
    """Prints and writes the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--renders", type=int, default=3000)
    parser.add_argument("--voices", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = {"cores": len(os.sched_getaffinity(0)), **measure(options.synth, options.renders, options.voices)}
    text = json.dumps(report, indent=1)
    (Path(__file__).parent / "results" / "shares.json").write_text(text + "\n")
    print(text)


def measure(synth: str, renders: int, voices: int) -> dict[str, Any]:
    """Returns the shares of a synth's searches, and how fast they were."""
    matcher = Matcher.load(synth)
    found = targets(matcher, voices)
    clock = Clock()
    with ExitStack() as watched:
        for owner, name, what in (
            (matcher.engine, "render", "engine"),
            (scorer, "log_mel", "analysis"),
            (Reference, "level", "analysis"),
            (Reference, "least", "analysis"),
            (Reference, "distance", "analysis"),
            (Reference, "shift", "analysis"),
            (FromModel, "propose", "model"),
            (FromModel, "vary", "model"),
            (FromModel, "transfer", "model"),
            (Search, "run", "main thread"),
        ):
            watched.enter_context(clock.watching(owner, name, what))
        processor = time.process_time()
        wall = time.perf_counter()
        for seed, target in enumerate(found):
            matcher.match_target(target, Budget(renders=renders), seed=seed)
        processor = time.process_time() - processor
        wall = time.perf_counter() - wall
    parts = {what: clock.spent[what] / processor for what in ("engine", "analysis", "model")}
    return {
        "synth": synth,
        "renders": renders,
        "voices": len(found),
        "shares": {what: round(share, 3) for what, share in {**parts, "all else": 1 - sum(parts.values())}.items()},
        "main_thread": round(clock.spent["main thread"] / processor, 3),
        "renders_a_processor_second": round(renders * len(found) / processor, 1),
        "renders_a_second": round(renders * len(found) / wall, 1),
    }


def targets(matcher: Matcher, count: int) -> list[Target]:
    """Returns notes of voices that the matcher's first source of presets proposes for an example."""
    engine = matcher.engine()
    example = prepare_target(load(SOUND))
    points = matcher.arms[0].proposers[0].propose(example, NOTE.pitch, 8 * count, np.random.default_rng(0))
    found: list[Target] = []
    for point in engine.canonical(engine.space.snap(points)):
        samples = engine.render(point, NOTE, RATE)
        if np.abs(samples).max() > AUDIBLE and len(found) < count:
            found.append(Target(samples, RATE, (NoteGuess(NOTE.pitch, 1.0),), NOTE.hold))
    return found


if __name__ == "__main__":
    main()
