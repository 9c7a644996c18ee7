"""Files of Vital for tests: none of a user's, yet with all that theirs have."""

import base64
import copy
import json
from typing import Any

import numpy as np

from patchflow.presets.vital import CORE, NEWEST, document_of

__all__ = ["document", "packed"]


def document(**settings: Any) -> dict[str, Any]:
    """A preset with wavetables, a sample, an LFO shape, modulations beyond the core and a comment of its own."""
    values = CORE.decode(CORE.default())
    found = copy.deepcopy(document_of(values, {}))
    own = found["settings"]
    own["wavetables"][0] = _wavetable(own["wavetables"][0])
    own["lfos"][1] |= {"name": "Mine", "points": [0.0, 0.2, 0.3, 0.0, 1.0, 1.0]}
    own["sample"] |= {"name": "Click", "samples": _encoded(np.arange(44_100) % 400 * 40, "<i2")}
    own |= {"osc_1_random_phase": 1.0, "osc_2_on": 1.0, "filter_1_on": 1.0, "sample_on": 1.0, "osc_1_wave_frame": 0.0}
    _connect(own, 1, "env_2", "filter_1_cutoff", 0.5)
    _connect(own, 3, "lfo_2", "osc_1_level", 0.3)
    own["modulations"][2]["line_mapping"] = {
        "name": "Linear", "num_points": 2, "points": [0.0, 0.0, 1.0, 1.0], "powers": [2.0, 0.0], "smooth": False,
    }  # fmt: skip
    _connect(own, 4, "lfo_1", "filter_fx_cutoff", -0.4)
    _connect(own, 12, "lfo_4", "osc_2_transpose", 0.2)
    labels = {"author": "Ann", "preset_name": "Mine", "preset_style": "Lead", "synth_version": NEWEST}
    texts = {"comments": "two\nlines", "macro2": "DIRT"}
    return {**found, **labels, **texts, "settings": {**own, "custom_warps": [{"a": 1}], **settings}}


def packed(content: dict[str, Any]) -> bytes:
    """The bytes of a file."""
    return json.dumps(content).encode()


def _connect(settings: dict[str, Any], number: int, source: str, destination: str, amount: float) -> None:
    settings["modulations"][number - 1] = {"source": source, "destination": destination}
    settings[f"modulation_{number}_amount"] = amount


def _wavetable(table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(table) | {"name": "Mine", "version": "99999.9.9"}
    turns = np.arange(2048) / 2048
    frame = np.sin(2 * np.pi * turns * 3) + 0.5 * np.sin(2 * np.pi * turns * 7)
    found["groups"][0]["components"][0]["keyframes"] = [{"position": 0, "wave_data": _encoded(frame / 1.5, "<f4")}]
    return found


def _encoded(samples: np.ndarray, kind: str) -> str:
    return base64.b64encode(samples.astype(kind).tobytes()).decode()
