"""Makes the tables of the paper's experiment from nothing: examples, trainings, evaluations, docs/paper.md.

Usage: python benchmarks/reproduce.py [--size small|paper] [--data dexed-16,...] [--models mlp,...] [--folds 0,...]
       [KEY=VALUE ...]

What is finished is skipped and what was interrupted goes on, so the same command may be given again at any time.
Keys are of recipes and meant for every training, such as precision=bfloat16 for a CPU with matrix units, or steps=4000.
Folders: cache/examples for what is learned from; runs/paper for runs, their logs and all results.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs import Running, Step, Work, cores, run_all, stop_when_told

from patchflow.engines._plugin.description_file import description_file

ROOT = Path(__file__).parent.parent
DATA = ("dexed-16", "dexed-32", "dexed-64", "dexed-145", "amsynth-16", "amsynth-32", "amsynth-41")
WHOLE = {"dexed-145": "dexed", "amsynth-41": "amsynth"}  # the synths themselves
MODELS = (
    "mlp", "cnn", "cnn-classes", "resnet", "ae", "vae", "vae-classes", "wae", "vaeflow", "flow_reg", "flow_dis",
    "flow_joint",
)  # fmt: skip
ROWS = tuple(sorted(path.stem for path in (ROOT / "recipes/paper").glob("*.toml") if path.stem != "base"))
BANKS = {"dexed": "cache/dx7-bank.npz", "amsynth": "cache/amsynth-bank.npz"}
PLUGIN, PRESETS = "/usr/lib/vst/amsynth_vst.so", "/usr/share/amsynth/banks"
PATCHFLOW = (sys.executable, "-m", "patchflow")
DEFAULTS = {
    "small": {"most": 300, "minutes": 0.0, "device": "cpu"},
    "paper": {"most": 0, "minutes": 6.0, "device": "cuda"},
}


def main(words: Sequence[str] | None = None) -> int:
    """Runs everything; returns 0 if nothing failed."""
    options = read_options(words)
    running = Running(ROOT, options.workers)
    try:
        failed = run_all([examples(options, name) for name in options.data], 1, running)
        failed += run_all(rows(options), options.jobs, running)
        failed += run_all(timing(options), 1, running)
        error = running.run(tables(options))
    except KeyboardInterrupt:
        running.stop()
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    print(f"tables: {error or options.page}")
    return 1 if failed or error else 0


def read_options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Returns the options, with what follows from the size where nothing was given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=tuple(DEFAULTS), default="small", help="of the models  [small]")
    parser.add_argument("--data", type=_names(DATA), default=list(DATA), help=f"with commas  [{','.join(DATA)}]")
    parser.add_argument("--models", type=_names(ROWS), default=list(MODELS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--folds", type=_numbers, default=[0], help="with commas, 0 to 4; a run each  [0]")
    parser.add_argument("--seeds", type=_numbers, default=[0], help="with commas; a run each  [0]")
    parser.add_argument("--items", type=int, default=0, help="presets of each data set, 0 for all  [0]")
    parser.add_argument("--most", type=int, help="test sounds of each fold, 0 for all  [small: 300, paper: 0]")
    parser.add_argument("--minutes", type=float, help="of each training, 0 for no limit  [small: 0, paper: 6]")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="[small: cpu, paper: cuda]")
    parser.add_argument("--jobs", type=int, help="trainings at once  [cpu: one a core, cuda: 4]")
    parser.add_argument("--sounds", help="folder of sounds out of domain to judge as well")
    parser.add_argument("--voices", help="DX7 voices: a table for prepare_bank.py, or a folder of .syx files")
    parser.add_argument("--out", help="folder of the runs  [runs/paper/SIZE]")
    parser.add_argument("--page", default="docs/paper.md", help="where the tables go  [docs/paper.md]")
    parser.add_argument("keys", nargs="*", metavar="KEY=VALUE", help="of every training, over its recipe")
    options = parser.parse_args(words)
    for name, value in DEFAULTS[options.size].items():
        setattr(options, name, value if getattr(options, name) is None else getattr(options, name))
    options.jobs = options.jobs or (4 if options.device == "cuda" else cores())
    options.workers = max(1, cores() // options.jobs)
    options.out = Path(options.out or f"runs/paper/{options.size}")
    return options


def examples(options: argparse.Namespace, name: str) -> Work:
    """Returns how a data set is made, its bank first."""
    folder = folder_of(options, name)
    words = ("dataset", f"recipes/examples/{name}.toml", "-o", str(folder), f"items={options.items}")
    step = Step((*PATCHFLOW, *words), ROOT / folder / "about.json")
    bank = () if step.is_done else bank_of(options, name.partition("-")[0])
    return Work(f"examples {name}", (*bank, step), ROOT / "cache/examples" / f"{folder.name}.log")


def bank_of(options: argparse.Namespace, synth: str) -> tuple[Step, ...]:
    """Returns how the bank of a synth is made, if there is none."""
    bank = ROOT / BANKS[synth]
    if bank.exists():
        return ()
    prepare = (sys.executable, "benchmarks/prepare_presets.py", synth, str(bank))
    if synth == "amsynth":
        if not (Path(PLUGIN).exists() and Path(PRESETS).exists()):
            raise SystemExit("amsynth is not installed: apt-get install amsynth, or choose others with --data")
        add = Step((*PATCHFLOW, "synth", "add", PLUGIN, "--name", synth), description_file(synth))
        return add, Step((*prepare, PRESETS), bank)
    if not options.voices:
        raise SystemExit(f"{BANKS[synth]} is missing: give --voices with a folder of .syx files")
    if Path(options.voices).is_dir():
        return (Step((*prepare, options.voices), bank),)
    return (Step((sys.executable, "benchmarks/prepare_bank.py", options.voices, str(bank)), bank),)


def rows(options: argparse.Namespace) -> list[Work]:
    """Returns how models are trained and judged, and the baselines."""
    works = []
    for name in options.data:
        if not (ROOT / folder_of(options, name) / "about.json").exists():
            continue  # it failed, and was said to
        works += [beside(options, name, fold) for fold in options.folds]
        runs = ((model, fold, seed) for fold in options.folds for seed in options.seeds for model in options.models)
        works += [row(options, name, run) for run in runs]
    return works


def row(options: argparse.Namespace, name: str, run: tuple[str, int, int]) -> Work:
    """Returns how one model is trained on one fold and judged."""
    model, fold, seed = run
    recipe = Path("recipes/paper", "small" if options.size == "small" else "", f"{model}.toml")
    synth, out = synth_of(name), options.out / name / f"{model}-{fold}-{seed}"
    keys = {"data": folder_of(options, name), "synth": synth, "fold": fold, "seed": seed, "out": out}
    keys |= {"device": options.device, "minutes": options.minutes}
    if options.minutes and options.size == "paper":
        keys |= {"schedule": "cosine", "stall": 0}  # the clock would end a plateau before the rate was ever halved
    if model.startswith("flow_dis"):
        about = json.loads((ROOT / keys["data"] / "about.json").read_text())
        keys["sizes.pairs"] = len(about["pairs"])
    if synth in WHOLE.values() and not model.startswith("flow_") and not model.endswith("-classes"):
        keys["sizes.parameter_loss"] = "cross_entropy"  # some of its parameters are choices
    weights, summary = ROOT / out / f"{synth}.safetensors", ROOT / out / "summary.json"
    train = (*PATCHFLOW, "train", str(recipe), *(f"{key}={value}" for key, value in keys.items()), *options.keys)
    judge = (*PATCHFLOW, "evaluate", str(out), "--device", options.device, *judging(options))
    steps = Step(train, weights), Step(judge, summary, weights)
    return Work(f"{name} {model}, fold {fold}, seed {seed}", steps, ROOT / out.with_suffix(".log"))


def beside(options: argparse.Namespace, name: str, fold: int) -> Work:
    """Returns how the baselines of one fold are judged."""
    out = options.out / name / f"beside-{fold}"
    words = ("evaluate", "--baselines", str(folder_of(options, name)), "--fold", str(fold), "-o", str(out))
    step = Step((*PATCHFLOW, *words, *judging(options)), ROOT / out / "tags.json")
    return Work(f"{name} trivial rows, fold {fold}", (step,), ROOT / out.with_suffix(".log"))


def timing(options: argparse.Namespace) -> list[Work]:
    """Returns how the predictions of all models are timed once more, now that nothing else runs."""
    root = ROOT / options.out
    runs = [str(path.parent) for path in sorted(root.rglob("summary.json")) if (path.parent / "recipe.json").exists()]
    words = (*PATCHFLOW, "evaluate", *runs, "--device", options.device, *judging(options))
    return [Work("time of a guess", (Step(words),), root / "timing.log")] if runs else []


def tables(options: argparse.Namespace) -> Work:
    """Returns how the tables are made of all that is finished."""
    root = ROOT / options.out
    finished = {path.parent for path in root.rglob("tags.json")}
    finished |= {path.parent for path in root.rglob("summary.json") if path.parent.parent not in finished}
    folders = sorted(map(str, finished)) or [str(root)]
    return Work("tables", (Step((*PATCHFLOW, "tables", *folders, "-o", options.page)),), root / "tables.log")


def folder_of(options: argparse.Namespace, name: str) -> Path:
    """Returns where the examples of a data set lie; those of fewer presets lie apart."""
    return Path("cache/examples", f"{name}-of-{options.items}" if options.items else name)


def synth_of(name: str) -> str:
    """Returns the engine of a data set."""
    return WHOLE.get(name, name.replace("-", "_"))


def judging(options: argparse.Namespace) -> tuple[str, ...]:
    """Returns the options of an evaluation."""
    most = ("--most", str(options.most)) if options.most else ()
    sounds = ("--sounds", options.sounds) if options.sounds else ()
    return (*most, *sounds, "--workers", str(options.workers))


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r}: not one of {', '.join(known)}")
        return text.split(",")

    return names


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    stop_when_told()
    sys.exit(main())
