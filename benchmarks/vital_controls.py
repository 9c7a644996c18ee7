"""Writes Vital's controls, modulations and first preset into files, to know them without Vital.

Usage: python benchmarks/vital_controls.py  (writes patchflow/presets/vital/controls.json and init.json)

The first preset is Vital's own but for its wavetables: a sine that becomes a triangle, a saw, a square and a pulse
instead of a saw alone, in all three oscillators.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from patchflow.hosts import HostProcess
from patchflow.presets.vital import NEWEST, VITA_VERSION

FOLDER = Path(__file__).parent.parent / "patchflow" / "presets" / "vital"
FRAME = 2048  # samples of one turn
FRAMES = 257


def main() -> None:
    """Asks the engine and writes both files."""
    with HostProcess("vita") as host:
        facts = dict(host.ask("describe").facts)
    preset = facts.pop("preset")
    lines = ",\n".join(json.dumps(control) for control in facts["controls"])
    text = f'{{"controls": [\n{lines}\n],\n"sources": {json.dumps(facts["sources"])},\n'
    text += f'"destinations": {json.dumps(facts["destinations"])}}}\n'
    (FOLDER / "controls.json").write_text(text)
    (FOLDER / "init.json").write_text(json.dumps(init(preset)) + "\n")


def init(preset: dict[str, Any]) -> dict[str, Any]:
    """Returns the first preset without controls, which follow from the parameters' defaults."""
    settings = preset["settings"]
    table = wavetable(settings["wavetables"][0])  # one stands for all three
    kept = {"lfos": settings["lfos"], "sample": settings["sample"], "wavetables": [table]}
    text = json.dumps({**preset, "synth_version": NEWEST, "settings": kept})
    return json.loads(text.replace(VITA_VERSION, NEWEST))


def wavetable(saw: dict[str, Any]) -> dict[str, Any]:
    """Returns Vital's first wavetable with basic shapes in place of its saw."""
    component = saw["groups"][0]["components"][0]
    frames = [
        {"position": round(k * (FRAMES - 1) / (len(shapes()) - 1)), "wave_data": encoded(shape)}
        for k, shape in enumerate(shapes())
    ]
    group = {"components": [{**component, "keyframes": frames}]}
    return {**saw, "name": "Basic shapes", "groups": [group]}


def shapes() -> list[np.ndarray]:
    """Returns a turn of sine, triangle, saw, square and pulse, in phase at their fundamental."""
    x = (np.arange(FRAME) + 0.5) / FRAME
    triangle = 1 - 4 * np.abs((x + 0.25) % 1 - 0.5)
    saw = 1 - 2 * x
    square = np.where(x < 0.5, 1.0, -1.0)
    pulse = np.where(np.abs(x - 0.25) < 0.0625, 1.0, -1.0)
    return [np.sin(2 * np.pi * x), triangle, saw, square, pulse]


def encoded(shape: np.ndarray) -> str:
    """Returns samples as Vital writes them."""
    return base64.b64encode(shape.astype("<f4").tobytes()).decode()


if __name__ == "__main__":
    main()
