"""How often the release of a key is found, on voices of a DX7 that still sound when it comes.

Usage: python benchmarks/releases.py BANK.npz [--items 200]

One validation voice of each family on middle C, held for 0.1 to 3 s and recorded for 1 to 2 s more. Voices that are
softer than -40 dB at the release are left out: nobody hears whether their key is held.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from split import fingerprints, named

from patchflow.audio.loudness import note_off
from patchflow.data.bank import Bank
from patchflow.engines import Note, engines

RESULTS = Path(__file__).parent / "results" / "releases.json"
RATE = 22_050
HOLDS = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0)  # seconds
LONGEST = 4.0
SOFTEST_DB = -40.0
SILENCE = 1e-2
NEAR_S = 0.1


def main() -> None:
    """Plays the voices and writes how far off the estimates are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", help="the bank that prepare_bank.py makes")
    parser.add_argument("--items", type=int, default=200, help="voices that still sound")
    options = parser.parse_args()
    off = _errors(Bank.load(options.bank), options.items)
    found = np.abs(off) <= NEAR_S
    share = float(found.mean())
    result = {
        "voices": len(off),
        "found_percent": round(100 * share, 1),
        "found_percent_error": round(100 * (share * (1 - share) / len(off)) ** 0.5, 1),
        "within_s": NEAR_S,
        "median_error_s": round(float(np.median(np.abs(off))), 3),
        "too_early_percent": round(100 * float((off < -NEAR_S).mean()), 1),
        "too_late_percent": round(100 * float((off > NEAR_S).mean()), 1),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def _errors(bank: Bank, items: int) -> np.ndarray:
    """Returns seconds by which estimates are too late, one of each voice that still sounds at its release."""
    engine = engines["dexed"]()
    rng = np.random.default_rng(0)
    points = bank.part("valid").points
    chosen = named("valid")
    voices = {key: point for key, point in zip(fingerprints(points), points, strict=True) if key in chosen}
    off = []
    for _, point in sorted(voices.items(), key=lambda item: item[0]):
        hold = float(rng.choice(HOLDS))
        note = Note(hold=hold, length=min(LONGEST, hold + rng.uniform(1, 2)))
        sound = engine.render(point, note, RATE)
        if np.abs(sound).max() > SILENCE and _level_at(sound, hold) > SOFTEST_DB:
            off.append(note_off(sound, RATE) - hold)
        if len(off) == items:
            break
    return np.array(off)


def _level_at(sound: np.ndarray, seconds: float) -> float:
    """Peak of the tenth of a second before a moment, below the loudest, in dB."""
    end = round(seconds * RATE)
    before = np.abs(sound[max(0, end - RATE // 10) : end]).max()
    return 20 * np.log10(max(float(before / np.abs(sound).max()), 1e-9))


if __name__ == "__main__":
    main()
