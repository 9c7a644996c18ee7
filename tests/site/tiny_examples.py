"""Examples of every section, of short tones: what a site is built from in tests."""

from pathlib import Path
from typing import Any

import numpy as np

RATE = 22_050


def write_tiny_examples(folder: Path, sections: Any, files: Any) -> None:
    """Writes a folder of examples for each section.

    Args:
        folder: Where to.
        sections: The module `sections`.
        files: The module `example_files`.
    """
    for name, section in _made(folder, sections, files).items():
        files.write_about(folder / name, section)


def _made(folder: Path, sections: Any, files: Any) -> dict[str, Any]:
    hz = iter(range(200, 2_000, 20))

    def clip(name: str, label: str) -> Any:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        tone = next(hz)
        t = np.arange(round(0.6 * RATE)) / RATE
        sound = np.sin(2 * np.pi * tone * t) * np.exp(-2 * t)
        return files.write_clip(place / f"{tone}.mp3", sound, RATE, f"{label} at {tone} Hz")

    def preset(level: float) -> dict[str, float]:
        small = {f"small {i}": 0.5 + level * i / 50 for i in range(1, 7)}
        return {"level": level, "decay": 0.5, "mode <1>": 1 - level, **small}

    def steps(name: str) -> tuple[Any, ...]:
        places = (-1.0, 0.0, 1.0)
        return tuple(
            sections.Step(at, clip(name, "step"), preset(0.5 + at / 4), {"brightness": 3 * at, "attack": 0.1}, 2.0)
            for at in places
        )

    def sound(name: str, **more: str) -> Any:
        attempt = sections.Attempt("search", clip(name, "found"), 3.5, preset(0.25))
        return sections.Sound("A & B", clip(name, "original"), preset(0.75), (attempt,), **more)

    table = sections.Table(
        "Numbers", ("Method", "monotonicity"), (("turn", "0.97"), ("raw", "0.62")), "docs/paper.json"
    )
    points = tuple(sections.Point(x / 5, x % 3, x / 9) for x in range(10))
    before = sections.Scatter("Before", "first", "second", points)
    places = (sections.Place(0.0, 0.0, "bank", "one"), sections.Place(1.0, 1.0, "path"))
    note = sections.Note(0.0, 0.5, 60.0, 100)
    return {
        "reconstruction": sections.Reconstruction(
            "tone", (sound("reconstruction"),), tables=(table,), text="What *this* is."
        ),
        "macros": sections.MacroControls(
            "tone",
            (
                sections.Macro("brightness", "dark", "bright", "octaves", "instant", "A", steps("macros")),
                sections.Macro("attack", "fast", "slow", "octaves", "instant", "A", steps("macros")),
            ),
            tables=(table,),
        ),
        "interpolation": sections.Interpolation(
            "tone",
            (
                sections.Pair(
                    "A", "B", steps("interpolation"), steps("interpolation"), steps("interpolation"), (),
                    (clip("interpolation", "the whole way"),), places,
                ),
            ),
        ),
        "variations": sections.Variations(
            "tone", "A", clip("variations", "the preset"), preset(0.5),
            (sections.Variation(0.3, 0.31, "all", "walk", clip("variations", "a variation"), preset(0.7), 6.0),),
        ),
        "out_of_domain": sections.OutOfDomain(
            "tone", (sound("out_of_domain", category="voices", credit="CC0", link="https://example.org/"),)
        ),
        "semantics": sections.Semantics(
            "tone",
            (sections.LatentMap("brightness", "dark", "bright", before, before),),
            (sections.Traversal("brightness", "dark", "bright", "the origin", steps("semantics")),),
            (sections.Matrix("What moves what", ("dark to bright",), ("brightness", "attack"), ((0.9, -0.2),)),),
        ),
        "sketches": sections.Sketches(
            "tone",
            (
                sections.Sketch(
                    "A hum", clip("sketches", "a voice"), "", ((0.0, 60.0), (0.3, 60.2)), (note,),
                    clip("sketches", "the preset"), clip("sketches", "the melody"), preset(0.4), 14.0,
                ),
            ),
        ),
    }  # fmt: skip
