"""Adds Debian's instruments, matches sounds with each, and opens the presets again.

Usage: python benchmarks/debian_instruments.py [--only kars,epiano] [--renders 40] [--minutes 15]
writes benchmarks/results/debian_instruments.json and its table in docs/plugins.md

All instruments that Debian 12 packages as VST2, VST3 or LV2 plug-ins are in `INSTRUMENTS`; those whose package is not
installed are left out, and said to be. Each is added in an empty folder as a new user would, by its name. Then two
sounds that are made here, a bell and a bass, are matched, and the best preset's file is opened again: by its values,
and by the plug-in itself. Both have to sound as the match wrote it. How far the best preset is from the sound stands
beside the fresh preset and the mean of `RANDOM` random ones, which play the same note. Every instrument has a process
of its own; lines of others stay in the file.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "results" / "debian_instruments.json"
PAGE = ROOT / "docs" / "plugins.md"
RATE = 44_100
RANDOM = 8  # presets
PATIENCE = 60.0  # seconds for a note, if the computer has other work to do
OF_NOISE = 5.0  # dB by which the same preset may differ in another process: Kars draws new noise there

INSTRUMENTS = {
    "amsynth": ("amsynth", "amsynth"),
    "kars": ("dpf-plugins-vst", "kars"),
    "nekobi": ("dpf-plugins-vst", "nekobi"),
    "dx10": ("mda-lv2", "dx10"),
    "jx10": ("mda-lv2", "jx10"),
    "epiano": ("mda-lv2", "epiano"),
    "piano": ("mda-lv2", "piano"),
    "yc20": ("foo-yc20", "yc20"),
    "monosynth": ("calf-plugins", "monosynth"),
    "organ": ("calf-plugins", "http://calf.sourceforge.net/plugins/Organ"),
    "wavetable": ("calf-plugins", "http://calf.sourceforge.net/plugins/Wavetable"),
    "fluidsynth": ("calf-plugins", "http://calf.sourceforge.net/plugins/Fluidsynth"),
    "synthv1": ("synthv1-lv2", "synthv1"),
    "padthv1": ("padthv1-lv2", "padthv1"),
    "samplv1": ("samplv1-lv2", "samplv1"),
    "drumkv1": ("drumkv1-lv2", "drumkv1"),
    "so-404": ("so-synth-lv2", "so-404"),
    "so-666": ("so-synth-lv2", "so-666"),
    "so-kl5": ("so-synth-lv2", "so-kl5"),
    "setbfree": ("setbfree", "setbfree"),
    "zynaddsubfx": ("zynaddsubfx-vst", "/usr/lib/vst/ZynAddSubFX.so"),
    "avldrums": ("avldrums.lv2", "avldrums"),
    "eg-sampler": ("lv2-examples", "http://lv2plug.in/plugins/eg-sampler"),
}
"""By the name of the synth: the package, and what `synth add` is given."""


def main() -> None:
    """Tries the instruments one after the other and writes what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(INSTRUMENTS), help="names of synths, with commas")
    parser.add_argument("--renders", type=int, default=40, help="for each sound")
    parser.add_argument("--minutes", type=float, default=15, help="that one instrument may take")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(tried(options.one, options.renders)))
        return
    report = json.loads(OUT.read_text()) if OUT.exists() else {}
    for name in options.only.split(","):
        report[name] = {"package": INSTRUMENTS[name][0], **in_a_process(name, options)}
        print(name, json.dumps(report[name]), flush=True)
        ordered = {each: report[each] for each in INSTRUMENTS if each in report}
        OUT.write_text(json.dumps(ordered, indent=2) + "\n")
    write_table(json.loads(OUT.read_text()))


def in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What becomes of one instrument; its own process may die or take too long."""
    package = INSTRUMENTS[name][0]
    known = subprocess.run(["dpkg", "-s", package], capture_output=True, check=False)
    if known.returncode:
        return {"result": f"not tried: apt-get install {package}"}
    command = [sys.executable, str(Path(__file__)), "--one", name, "--renders", str(options.renders)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * options.minutes, check=False)
    except subprocess.TimeoutExpired:
        return {"result": f"gave no answer within {options.minutes:g} minutes"}
    if done.returncode:
        return {"result": f"failed: {done.stderr.strip().splitlines()[-1]}"}
    return json.loads(done.stdout.splitlines()[-1])


def tried(name: str, renders: int) -> dict[str, Any]:
    """Adds, matches and opens again."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATCHFLOW_SYNTHS"] = f"{folder}/synths"
        from patchflow.errors import PatchflowError
        from patchflow.plugins import add_synth

        start = time.perf_counter()
        try:
            about = add_synth(INSTRUMENTS[name][1], name, patience=PATIENCE)
        except PatchflowError as error:
            return {"result": str(error)}
        found: dict[str, Any] = {
            "plugin": about.plugin,
            "searched": len(about.searched),
            "parameters": len(about.controls),
            "fresh": about.fresh,
            "noise_floor_db": about.noise_floor_db,
            "renders_per_second": about.renders_per_second,
            "presets": about.native,
            "add_s": round(time.perf_counter() - start, 1),
        }
        for sound, samples in {"bell": bell(), "bass": bass()}.items():
            found[sound] = matched(name, sound, samples, renders, Path(folder))
        wrong = [sound for sound in ("bell", "bass") if not found[sound]["opened_again"]]
        return {"result": f"{', '.join(wrong)}: sounds other than it was written" if wrong else "ok", **found}


def matched(name: str, sound: str, samples: np.ndarray, renders: int, folder: Path) -> dict[str, Any]:
    """The distance of the best candidate, and whether its file sounds as it was written."""
    import soundfile

    from patchflow.engines import Plugin, engines, load_presets
    from patchflow.match import Matcher

    target = folder / f"{sound}.wav"
    soundfile.write(target, samples, RATE)
    result = Matcher.load(name).match(target, renders=renders, candidates=1)
    files = result.save(folder / "out", sound)
    (preset,) = load_presets(files[0], name).presets
    engine = engines[name]()
    note = result.candidates[0].note
    again = engine.render(engine.space.encode(preset.values), note)
    report = json.loads((folder / "out" / f"{sound}.json").read_text())
    written, _ = soundfile.read(folder / "out" / report["candidates"][0]["audio"], dtype="float32")
    target_sound = samples.astype(np.float32)
    as_written = distance(again[: len(written)], written[: len(again)])
    by_plugin = 0.0
    if isinstance(engine, Plugin) and engine.native != "json":
        by_plugin = distance(again, engine.play(preset.state, note))
    return {
        "file": files[0].name,
        "best_db": apart(written, target_sound),
        "fresh_db": apart(engine.render(engine.space.default(), note), target_sound),
        "random_db": round(float(np.mean(randoms(engine, note, target_sound))), 2),
        "as_written_db": as_written,
        "opened_again": by_plugin == 0.0 and as_written <= OF_NOISE,
    }


def randoms(engine: Any, note: Any, target: np.ndarray) -> list[float]:
    """How far random presets are from a sound, of those that the synth can play."""
    from patchflow.errors import RenderError

    rng = np.random.default_rng(0)
    found = []
    for _ in range(RANDOM):
        point = rng.random(len(engine.space.parameters))
        with contextlib.suppress(RenderError):
            found.append(apart(engine.render(point, note), target))
    return found


def apart(sound: np.ndarray, target: np.ndarray) -> float:
    """Log-mel L1 of a sound from a target, whatever their levels, over the length that both have, in dB."""
    count = min(len(sound), len(target))
    return log_mel_l1(target[:count], sound[:count])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Log-mel L1 of two sounds, made equally loud, in dB; 0 if they differ by -60 dB of the peak at most."""
    other = other * float(one @ other) / max(float(other @ other), 1e-9)
    if np.abs(one - other).max() <= 1e-3 * max(np.abs(one).max(), 1e-5):
        return 0.0
    return log_mel_l1(one, other)


def log_mel_l1(one: np.ndarray, other: np.ndarray) -> float:
    """The metric of that name, of two sounds of one length."""
    import torch

    from patchflow.metrics import metrics

    first, second = (torch.from_numpy(np.array(sound, np.float32))[None] for sound in (one, other))
    return round(float(metrics["log_mel_l1"](first, second, RATE)), 2)


def bell() -> np.ndarray:
    """Two seconds of frequency modulation on E4, its partials not harmonic."""
    time_s = np.arange(2 * RATE) / RATE
    modulator = 2.5 * np.exp(-time_s / 0.4) * np.sin(2 * np.pi * 330 * 1.4 * time_s)
    return 0.4 * np.exp(-time_s / 0.5) * np.sin(2 * np.pi * 330 * time_s + modulator)


def bass() -> np.ndarray:
    """A second and a half of a saw on A1 whose partials fade, the higher the sooner."""
    time_s = np.arange(int(1.5 * RATE)) / RATE
    sound = np.zeros_like(time_s)
    for partial in range(1, 30):
        sound += np.exp(-time_s * partial / 1.5) * np.sin(2 * np.pi * 55 * partial * time_s) / partial
    return 0.3 * sound * np.clip((1.5 - time_s) / 0.1, 0, 1)


def write_table(report: dict[str, Any]) -> None:
    """Puts the results into the document, between its two marks."""
    heads = ["synth", "package", "presets", "fresh", "searched", "added in", "bell, dB", "bass, dB", "result"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, found in report.items():
        cells = [f"`{name}`", f"`{found['package']}`"]
        if "presets" in found:
            cells += [found["presets"], found["fresh"], f"{found['searched']} of {found['parameters']}"]
            cells += [f"{found['add_s']:.0f} s", *(distances(found[sound]) for sound in ("bell", "bass"))]
        else:
            cells += [""] * 6
        lines.append(f"| {' | '.join([*cells, shortened(found['result'])])} |")
    text = PAGE.read_text()
    marks = ("<!-- debian_instruments -->\n", "<!-- end -->")
    before, _, rest = text.partition(marks[0])
    after = rest.partition(marks[1])[2]
    PAGE.write_text(before + marks[0] + "\n".join(lines) + "\n" + marks[1] + after)


def distances(found: dict[str, Any]) -> str:
    """The best preset, and what it is beside; a line of before has the distance of the search alone."""
    if "best_db" not in found:
        return f"**{found['log_mel_l1_db']:.1f}**"
    return f"**{found['best_db']:.1f}** ({found['fresh_db']:.1f}, {found['random_db']:.1f})"


def shortened(result: str) -> str:
    """The reason alone, without the address that is in the row already."""
    return re.sub(r"^(?:\w+:)?[^ ]+: ", "", result)


if __name__ == "__main__":
    main()
