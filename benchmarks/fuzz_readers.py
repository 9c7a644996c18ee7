"""The readers of patchflow, each with whole files that patchflow itself writes: what `fuzz.py` damages and reads."""

import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from patchflow.audio.sound_file import load
from patchflow.data.bank import Bank, deal
from patchflow.data.cache import Cache, fill_cache
from patchflow.data.dataset import Dataset, DatasetRecipe, read_dataset_recipe
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.make_dataset import damaged_files, make_dataset
from patchflow.data.examples import Content, Examples, write_examples
from patchflow.data.examples.attributes import Attribute
from patchflow.data.examples.examples_recipe import ExamplesRecipe
from patchflow.data.sampler import Sampler
from patchflow.engines import Control, Description, engines
from patchflow.engines._plugin.description_file import read_description, to_text
from patchflow.engines.tone import Tone
from patchflow.evaluate.results import FORMAT, read_lines
from patchflow.models import load_model, models, save_model
from patchflow.presets import Library, Preset, read_presets
from patchflow.presets.formats import formats
from patchflow.presets.vst2 import Program, Vst2Bank
from patchflow.presets.vst3 import VstPreset
from patchflow.settings import read_settings
from patchflow.train.checkpoint import State, load_checkpoint, save_checkpoint
from patchflow.train.recipe import read_recipe

__all__ = ["NAMES", "Reader", "reader"]

_SIZES = {"width": 4, "context": 8, "hidden": 8, "transforms": 2, "bins": 4}
_RATE = 16_000


@dataclass(frozen=True)
class Reader:
    """One way into patchflow.

    Args:
        files: Whole files by name; one of them is damaged at a time.
        shape: What they are made of, see `mutants.mutant`; by name where they differ.
        read: Reads what is in a folder; returns whether all of it was read.
        modules: Prefixes of the modules that do so, whose lines are counted.
    """

    files: dict[str, list[bytes]]
    shape: str | dict[str, str]
    read: Callable[[Path], bool]
    modules: tuple[str, ...]

    def shape_of(self, name: str) -> str:
        """Returns what a file is made of."""
        return self.shape if isinstance(self.shape, str) else self.shape[name]


def reader(name: str, folder: Path) -> Reader:
    """Returns a reader and writes its whole files.

    Args:
        name: One of `NAMES`.
        folder: An empty one, in which it reads.
    """
    made = _READERS[name](folder)
    for file, seeds in made.files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds[0])
    return made


def _drawn(synth: str, count: int) -> list[Preset]:
    space = engines[synth].space
    points = space.snap(np.random.default_rng(0).random((count, len(space))))
    return [Preset(synth, space.decode(point), name=f"VOICE {k}") for k, point in enumerate(points)]


def _presets(file: str, seeds: list[bytes], shape: str, *modules: str) -> Reader:
    def read(folder: Path) -> bool:
        found = read_presets(folder / file)
        return not found.rejected and not found.notes

    return Reader({file: seeds}, shape, read, ("patchflow.presets.files", *modules))


def _syx(_: Path) -> Reader:
    bank = formats["syx"]().write(_drawn("dexed", 32))
    voice = formats["syx"]().write(_drawn("dexed", 1))
    midi = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\xaa\0\xf0\x81\x22" + voice[1:] + b"\0\xff\x2f\0"
    seeds = [bank, voice, bank + voice, bank[6:4102], midi, bank.hex(" ").encode(), _zipped("a.syx", bank)]
    modules = ("patchflow.presets.formats.syx", "patchflow.presets.formats._dx7", "patchflow.presets.dx7")
    return _presets("a.syx", seeds, "bytes", *modules)


def _zipped(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


_AMSYNTH = b"amSynth1.0preset\n<preset> <name> Pluck\n<parameter> amp_attack 0.1\n<parameter> osc1_waveform 2\n"


def _fxp(_: Path) -> Reader:
    seeds = [
        Program("amsy", 1, 41, "Pluck", _AMSYNTH).pack(),
        Program("amsy", 1, 3, "Plain", np.array([0.1, 0.5, 1.0], ">f4").tobytes(), plain=True).pack(),
    ]
    return _presets("a.fxp", seeds, "bytes", "patchflow.presets.formats.fxp", "patchflow.presets.vst2")


def _fxb(_: Path) -> Reader:
    plain = Program("amsy", 1, 3, "Plain", np.array([0.1, 0.5, 1.0], ">f4").tobytes(), plain=True)
    chunked = Program("amsy", 1, 41, "Pluck", _AMSYNTH)
    seeds = [
        Vst2Bank("amsy", 1, 2, programs=(plain, plain)).pack(),
        Vst2Bank("amsy", 1, 2, programs=(chunked, chunked)).pack(),
        Vst2Bank("amsy", 1, 1, chunk=_AMSYNTH).pack(),
    ]
    return _presets("a.fxb", seeds, "bytes", "patchflow.presets.formats.fxb", "patchflow.presets.vst2")


def _vstpreset(_: Path) -> Reader:
    seeds = [VstPreset("AB" * 16, b"sound" * 20, b"screen", "Pluck & <Pad>", ((0, 0.5), (7, 1.0))).pack()]
    return _presets("a.vstpreset", seeds, "bytes", "patchflow.presets.formats.vstpreset", "patchflow.presets.vst3")


def _amsynth(_: Path) -> Reader:
    states = [Program("amsy", 0, 2, name, _AMSYNTH).pack() for name in ("A", "B")]
    presets = [Preset("", {}, name=f"N{k}", state=state) for k, state in enumerate(states)]
    seeds = [formats["amsynth"]().write(presets)]
    return _presets("a.bank", seeds, "lines", "patchflow.presets.formats.amsynth", "patchflow.presets.vst2")


def _vital(_: Path) -> Reader:
    seeds = [formats["vital"]().write([preset]) for preset in _drawn("vital", 2)]
    modules = (
        "patchflow.presets.formats.vital",
        "patchflow.presets.formats.json",
        "patchflow.presets.vital._document",
    )
    return _presets("a.vital", [*seeds, _zipped("a.vital", seeds[0])], "json", *modules)


def _json(_: Path) -> Reader:
    labelled = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -3.0}, "Saw", "Leads", "Ann", ("bright",), b"state")
    seeds = [formats["json"]().write([labelled]), formats["json"]().write(_drawn("dexed", 2))]
    modules = ("patchflow.presets.formats.json", "patchflow.presets.formats.json")
    return _presets("a.json", seeds, "json", *modules)


def _results(_: Path) -> Reader:
    lines = [{"format": FORMAT, "kind": "test", "run": "a", "weights": "0" * 16}]
    lines += [{"item": k, "distance": k / 7, "names": ["a", "b"], "fault": None} for k in range(4)]
    seed = "".join(json.dumps(line) + "\n" for line in lines).encode()

    def read(folder: Path) -> bool:
        return len(read_lines(folder / "a.jsonl").items) == 4

    modules = ("patchflow.evaluate.results", "patchflow.parsing")
    return Reader({"a.jsonl": [seed]}, "json lines", read, modules)


def _sound(_: Path) -> Reader:
    rng = np.random.default_rng(0)
    mono = (0.3 * np.sin(np.arange(_RATE // 2) * 0.17) * np.linspace(1, 0, _RATE // 2)).astype(np.float32)
    seeds = []
    kinds = (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16"))
    for kind, subtype in (
        *kinds,
        ("WAV", "PCM_24"),
        ("WAV", "IMA_ADPCM"),
        ("CAF", "PCM_16"),
        ("MP3", "MPEG_LAYER_III"),
    ):
        for samples in (mono, np.stack([mono, mono + rng.normal(0, 0.01, len(mono)).astype(np.float32)], 1)):
            packed = io.BytesIO()
            soundfile.write(packed, samples, _RATE, subtype, format=kind)
            seeds.append(packed.getvalue())

    def read(folder: Path) -> bool:
        return len(load(folder / "a.wav").samples) == len(mono)

    return Reader({"a.wav": seeds}, "bytes", read, ("patchflow.audio.sound_file", "patchflow.audio.sound"))


def _recipe(_: Path) -> Reader:
    train = (
        'bank = "b.npz"\nout = "runs/a"\nsynth = "tone"\nmodel = "posterior"\nsteps = 100\nbatch = 8\n'
        'sizes = {width = 4, context = 8}\nweights = {latent = 0.5}\nschedule = "plateau"\nplateau_patience = 3.0\n'
        'base = ""\nseed = 1\n'
    )
    dataset = 'synth = "tone"\npresets = ["a.syx", "b"]\nitems = 10\nrate = 22050\nvelocities = [20, 90]\nseed = 3\n'
    examples = 'synth = "tone"\nbank = "b.npz"\nradius_db = 0.5\n'

    def read(folder: Path) -> bool:
        path = folder / "a.toml"
        text = path.read_bytes()
        if b"items" in text:
            read_dataset_recipe(path)
        elif b"radius_db" in text:
            read_settings(path, ExamplesRecipe)
        else:
            read_recipe(path)
        return True

    seeds = [text.encode() for text in (train, dataset, examples)]
    modules = (
        "patchflow.settings",
        "patchflow.train.recipe",
        "patchflow.parsing",
        "patchflow.data.dataset.pool",
    )
    return Reader({"a.toml": seeds}, "toml", read, modules)


def _description(_: Path) -> Reader:
    controls = (
        Control(0, "Cutoff", "knob", 0.5, label="Cut off", group="filter", notes=("0.5 is 1 kHz",)),
        Control(1, "Wave", "choice", 0.0, options=("sine", "saw"), values=(0.0, 1.0)),
        Control(2, "Voices", "steps", 0.5, options=("1", "2", "3"), values=(0.0, 0.5, 1.0)),
        Control(3, "Tune", "fixed", 0.25),
    )
    seed = to_text(Description("a", "a.so", controls)).encode()

    def read(folder: Path) -> bool:
        return len(read_description(folder / "a.toml").controls) == len(controls)

    modules = ("patchflow.engines._plugin.description", "patchflow.settings", "patchflow.parsing")
    return Reader({"a.toml": [seed]}, "toml", read, modules)


def _weights(folder: Path) -> Reader:
    flow = {"hidden": 8, "depth": 1, "latent": 4, "transforms": 2}
    seeds = []
    for name, sizes in (("posterior", _SIZES), ("mlp", {"width": 8, "layers": 2}), ("flow_joint", flow), ("vae", flow)):
        kind = models[name]
        known = {key: value for key, value in sizes.items() if key in kind.Sizes.__dataclass_fields__}
        save_model(folder / "w", kind(Tone.space, **known), name, "tone", about={"steps": 7})
        seeds.append((folder / "w").read_bytes())

    def read(folder: Path) -> bool:
        load_model(folder / "w", Tone.space, models)
        return True

    return Reader({"w": sorted(seeds, key=len)[:3]}, "safetensors", read, ("patchflow.models._weights",))


def _bank(folder: Path) -> Reader:
    points = Tone.space.snap(np.random.default_rng(0).random((40, 3)))
    Bank(points, np.arange(40) // 2, np.array([f"N {k}" for k in range(40)]), np.full(40, "train")).save(folder / "b")

    def read(folder: Path) -> bool:
        bank = Bank.load(folder / "b")
        return len(bank.part("train").points) == 40

    return Reader({"b": [(folder / "b").read_bytes()]}, "npz", read, ("patchflow.data.bank", "patchflow.parsing"))


def _content() -> Content:
    count = 24
    rng = np.random.default_rng(0)
    points = Tone.space.snap(rng.random((count, 3)))
    return Content(
        synth="tone", parameters=Tone.space.names, input="paper", mels=rng.normal(-3, 2, (count, 8, 10)), points=points,
        notes=np.tile([60.0, 100, 3], (count, 1)), family=np.arange(count), parts=deal(np.arange(count), 3, 0.2, 0),
        names=np.array([f"tone {k}" for k in range(count)]), category=np.array(["Bass"] * count),
        attributes=(Attribute("Dark", "Bright", "brightness"),), measures=points[:, :1],
    )  # fmt: skip


def _files(folder: Path) -> dict[str, list[bytes]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): [path.read_bytes()] for path in paths}


def _examples(folder: Path) -> Reader:
    write_examples(folder, _content())

    def read(folder: Path) -> bool:
        examples = Examples(folder, 0)
        rows = examples.rows("train")
        return all(len(part) == len(rows) for part in examples.take(rows))

    files = _files(folder)
    shape = {name: "json" if name.endswith("json") else "npy" for name in files}
    return Reader(files, shape, read, ("patchflow.data.examples.examples",))


def _cache(folder: Path) -> Reader:
    points = Tone.space.snap(np.random.default_rng(0).random((8, 3)) * [1, 1, 0.5] + [0, 0, 0.5])
    fill_cache(folder, Tone, Sampler(Tone.space, points, np.full(8, 1 / 8), 1.0, 0.0, 0.0), 4)

    def read(folder: Path) -> bool:
        cache = Cache(folder)
        return len(cache.take(np.arange(len(cache)))[0]) == 4

    files = _files(folder)
    shape = {name: "json" if name.endswith("json") else "npy" for name in files}
    return Reader(files, shape, read, ("patchflow.data.cache", "patchflow.parsing"))


def _dataset(folder: Path) -> Reader:
    (folder.parent / "tones.json").write_bytes(formats["json"]().write(_drawn("tone", 3)))
    recipe = DatasetRecipe(
        synth="tone",
        presets=(str(folder.parent / "tones.json"),),
        items=6,
        shard=6,
        rate=_RATE,
        length=0.3,
        hold=(0.05, 0.2),
    )
    with executors["local"](1) as executor:
        make_dataset(recipe, folder, executor)

    def read(folder: Path) -> bool:
        found = Dataset(folder)
        total = [len(found.points), len(found.notes), len(found.families), len(found.ids), found.rate]
        total += [len(sample.sound) for sample in found]
        return not damaged_files(folder) and all(total)

    files = _files(folder)
    kinds = {".parquet": "parquet", ".json": "json", ".npy": "npy"}
    shape = {name: kinds.get(Path(name).suffix, "lines") for name in files}
    modules = ("patchflow.data.dataset.dataset", "patchflow.data.dataset.make_dataset", "patchflow.parsing")
    return Reader(files, shape, read, modules)


def _checkpoint(folder: Path) -> Reader:
    def state() -> State:
        torch.manual_seed(0)
        model = models["posterior"](Tone.space, **_SIZES)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        return State(model, models["posterior"](Tone.space, **_SIZES), optimizer, {"bank": "abc"}, step=7, minutes=0.5)

    begun = state()
    for parameter in begun.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    begun.optimizer.step()
    begun.sums = {"train": 1.0}
    save_checkpoint(folder / "c", begun)
    fresh = state()

    def read(folder: Path) -> bool:
        load_checkpoint(folder / "c", fresh)
        return True

    return Reader({"c": [(folder / "c").read_bytes()]}, "safetensors", read, ("patchflow.train.checkpoint",))


def _library(folder: Path) -> Reader:
    path = folder / "l.sqlite"
    Library(path).add([*_drawn("tone", 6), *_drawn("dexed", 2)], lambda synth: engines[synth].space, "a.json")

    def read(folder: Path) -> bool:
        library = Library(folder / "l.sqlite")
        found = library.search("voice")
        names = [library.get(entry.id).name for entry in found]
        return len(names) == 8 and len(library.points("tone", Tone.space)) == 6

    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return Reader({"l.sqlite": [path.read_bytes()]}, "sqlite", read, ("patchflow.presets.library",))


_READERS: dict[str, Callable[[Path], Reader]] = {
    "syx": _syx,
    "fxp": _fxp,
    "fxb": _fxb,
    "vital": _vital,
    "vstpreset": _vstpreset,
    "amsynth bank": _amsynth,
    "json presets": _json,
    "result lines": _results,
    "sound": _sound,
    "recipe": _recipe,
    "description": _description,
    "weights": _weights,
    "bank": _bank,
    "examples": _examples,
    "cache": _cache,
    "data set": _dataset,
    "checkpoint": _checkpoint,
    "library": _library,
}

NAMES: tuple[str, ...] = tuple(_READERS)


def lines_of(prefixes: tuple[str, ...]) -> dict[str, set[int]]:
    """Returns the numbers of the lines within functions, by file, of the modules whose names begin with a prefix."""
    found: dict[str, set[int]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.startswith(prefixes):
            code = compile(Path(file).read_text("utf-8"), file, "exec")
            found[file] = _inner_lines(code)
    return found


def _inner_lines(code: Any) -> set[int]:
    """Lines of the functions in a module; what runs when it is imported does not count."""
    found: set[int] = set()
    for inner in code.co_consts:
        if hasattr(inner, "co_lines"):
            is_function = bool(inner.co_flags & 2)  # CO_NEWLOCALS: not the body of a class
            if is_function:
                found |= {line for _, _, line in inner.co_lines() if line and line > inner.co_firstlineno}
            found |= _inner_lines(inner)
    return found
