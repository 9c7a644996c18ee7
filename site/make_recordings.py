"""Makes the examples out of domain: recordings that may be shown, and what the search makes of them.

Usage: python site/make_recordings.py MANIFEST.csv [--out site/examples] [--seed N]

Recordings come from a folder with a CSV of file, category and source; only those of the sources in `CREDITS` are used:
CC0, CC BY, or generated.
"""

import csv
from pathlib import Path

from example_files import write_about, write_clip
from maker import LISTENING_RATE, SYNTH, Maker, emptied, parser_of
from sections import Attempt, OutOfDomain, Sound

from patchflow.audio.conditioning import resample
from patchflow.audio.sound_file import load
from patchflow.match import Matcher

SEARCH = 400  # renders
PER_CATEGORY = 2
CREDITS = {
    "MTG/sms-tools": ("Music Technology Group, sms-tools; CC BY 4.0", "https://github.com/MTG/sms-tools"),
    "Salamander": (
        "Salamander Grand Piano V3, Alexander Holm; CC BY 3.0",
        "https://archive.org/details/SalamanderGrandPianoV3",
    ),
    "Sonic Pi": ("Sonic Pi samples; CC0", "https://github.com/sonic-pi-net/sonic-pi"),
    "VocalSet": ("VocalSet, Wilkins et al. 2018; CC BY 4.0", "https://doi.org/10.5281/zenodo.1193957"),
    "espeak-ng": ("generated with eSpeak NG", "https://github.com/espeak-ng/espeak-ng"),
}
"""By the beginning of a source: whom to credit and the licence, and where it comes from. Others are not shown."""


def make(maker: Maker, manifest: Path) -> None:
    """Recordings that may be shown, and what the search makes of them."""
    folder = emptied(maker.out / f"recordings-{SYNTH}")
    matcher = Matcher.load(SYNTH)
    sounds = []
    for row in _free(manifest):
        recording = load(manifest.parent / row["file"], seconds=4.0)
        result = matcher.match(recording, renders=SEARCH)
        best = result.candidates[0]
        stem = Path(row["file"]).stem
        samples = resample(recording.samples, recording.rate, LISTENING_RATE)
        original = write_clip(folder / f"{stem}.mp3", samples, LISTENING_RATE, f"{stem}, original")
        found = write_clip(folder / f"{stem}-search.mp3", best.audio.samples, best.audio.rate, f"{stem}, search")
        distance = best.distances["perceptual"]
        attempt = Attempt("search", found, distance, maker.positions(best.point))
        credit, link = _credit(row["source"])
        name = stem.replace("_", " ")
        sounds.append(Sound(name, original, {}, (attempt,), row["category"], credit, link))
        print(f"{stem}: {distance:.1f} dB", flush=True)
    text = f"What the search finds in {SEARCH} renders. Each sound is credited beside its player."
    write_about(folder, OutOfDomain(SYNTH, tuple(sounds), text=text))


def _free(manifest: Path) -> list[dict[str, str]]:
    """Rows of sources that allow to show the sound here, a few a category, no source twice in one."""
    free: list[dict[str, str]] = []
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        same = [one for one in free if one["category"] == row["category"]]
        is_new = row["source"] not in {one["source"] for one in same}
        if _credit(row["source"])[0] and is_new and len(same) < PER_CATEGORY:
            free.append(row)
    return free


def _credit(source: str) -> tuple[str, str]:
    """Whom to credit for a recording, and where it comes from; empty if it may not be shown."""
    for start, credit in CREDITS.items():
        if source.startswith(start):
            return credit
    return "", ""


def main() -> None:
    """Makes them of the recordings that are named."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="CSV beside recordings")
    given = parser.parse_args()
    maker = Maker(given.out, given.seed)
    make(maker, given.manifest)
    maker.player.close()


if __name__ == "__main__":
    main()
