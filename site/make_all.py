"""Makes all examples of the site again, one set after the other, and says how long each took.

Usage: python site/make_all.py [--recordings MANIFEST.csv] [--out site/examples] [--seed N]

What it makes are the examples that are committed, if they are to be of this version of the models and the search.
amsynth is left out where it is not described (`patchflow synth add`), and recordings where none are named; it says so,
and the examples that are there stay.
"""

import time
from collections.abc import Callable
from pathlib import Path

import make_latents
import make_morphs
import make_reconstructions
import make_recordings
import make_sketches
import make_turns
import make_variations
from maker import Maker, parser_of

from patchflow.engines import engines

OF_ONE_SYNTH = {
    "latents": make_latents.make,
    "turns": make_turns.make,
    "morphs": make_morphs.make,
    "variations": make_variations.make,
    "sketches": make_sketches.make,
}
FURTHER_SYNTHS = ("vital", "amsynth")


def main() -> None:
    """Makes them in order."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--recordings", type=Path, metavar="MANIFEST", help="CSV beside recordings")
    given = parser.parse_args()
    maker = Maker(given.out, given.seed)
    _timed("reconstructions", lambda: make_reconstructions.make(maker))
    for name, make in OF_ONE_SYNTH.items():
        _timed(name, lambda make=make: make(maker))
    if given.recordings:
        _timed("recordings", lambda: make_recordings.make(maker, given.recordings))
    else:
        print("recordings: none are named, so they stay as they are", flush=True)
    maker.player.close()
    for synth in FURTHER_SYNTHS:
        if synth in engines:
            _timed(f"reconstructions of {synth}", lambda synth=synth: _reconstruct(given.out, given.seed, synth))
        else:
            print(f"reconstructions of {synth}: it is not described here, so they stay as they are", flush=True)


def _reconstruct(out: Path, seed: int, synth: str) -> None:
    maker = Maker(out, seed, synth)
    make_reconstructions.make(maker)
    maker.player.close()


def _timed(name: str, make: Callable[[], None]) -> None:
    print(f"{name}:", flush=True)
    start = time.perf_counter()
    make()
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
