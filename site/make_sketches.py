"""Makes the examples of vocal sketching: generated voices that sing melodies, and what a synth plays of them.

Usage: python site/make_sketches.py [--out site/examples] [--seed N]

The voices are those of `benchmarks/hummed.py`, and among those that `benchmarks/sketches.py` measures.
"""

import sys

import numpy as np
from example_files import write_about, write_clip
from maker import ROOT, SYNTH, Maker, emptied, make_with
from sections import Note, Sketch, Sketches

from patchflow.audio.sound import Sound
from patchflow.explore.sketch import SKETCH_RATE
from patchflow.explore.sketch import Sketch as Found
from patchflow.explore.sketch import sketch as sketched

sys.path.append(str(ROOT / "benchmarks"))
from hummed import RATE, REPORTED, STYLES, hummed

CHOSEN = ("hummed low", "ah, high with vibrato", "doo, repeated notes")
RENDERS = 500


def make(maker: Maker) -> None:
    """Sketches the voices and writes what comes out."""
    folder = emptied(maker.out / f"sketches-{SYNTH}")
    made = []
    for style in STYLES:
        if style.name in CHOSEN:
            voice = Sound(hummed(style, REPORTED[0]).samples, RATE)
            found = sketched(voice, SYNTH, renders=RENDERS)
            stem = style.name.replace(",", "").replace(" ", "-")
            assert found.match is not None
            best = found.match.candidates[0]
            heard = write_clip(folder / f"{stem}-found.mp3", best.audio.samples, best.audio.rate, "Preset, one note")
            made.append(
                Sketch(
                    name=style.name.capitalize(),
                    voice=write_clip(folder / f"{stem}-voice.mp3", voice.samples, RATE, f"{style.name}, voice"),
                    credit="generated",
                    contour=_contour(found),
                    notes=_notes(found),
                    found=heard,
                    played=write_clip(folder / f"{stem}-played.mp3", found.sound, SKETCH_RATE, f"{style.name}, played"),
                    preset=maker.positions(best.point),
                    distance_db=best.distances["perceptual"],
                )
            )
            print(f"{style.name}: {len(found.melody.notes)} notes, {made[-1].distance_db:.1f} dB", flush=True)
    text = (
        "Voices that were generated: harmonics under the formants of a vowel, with scoops, glides, vibrato and noise. "
        f"The preset is found in {RENDERS} renders for the steadiest note of the voice, and plays the notes that were "
        "heard in it."
    )
    write_about(folder, Sketches(SYNTH, tuple(made), text=text))


def _contour(found: Found) -> tuple[tuple[float, float], ...]:
    contours = found.melody.contours
    rows = np.stack([contours.seconds, contours.pitch], 1)[contours.voiced]
    return tuple((seconds, pitch) for seconds, pitch in rows.tolist())


def _notes(found: Found) -> tuple[Note, ...]:
    return tuple(Note(one.onset, one.seconds, one.pitch, one.velocity) for one in found.melody.notes)


if __name__ == "__main__":
    make_with(make, __doc__ or "")
