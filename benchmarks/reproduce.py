"""Makes the tables of the paper's experiment, docs/paper.md, from nothing.

Usage: python benchmarks/reproduce.py [--size small|paper] [--data dexed-16,...] [--models mlp,...] [--folds 0,...]
       [KEY=VALUE ...]
       python benchmarks/reproduce.py --rewrite     the page again, from the numbers in docs/paper.json

What is finished is skipped and what was interrupted goes on, so the same command may be given again at any time.
Keys are of recipes and meant for every training, such as precision=bfloat16 for a CPU with matrix units, or steps=4000.
Folders: cache/examples for what is learned from; runs/paper for runs, their logs and all results.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs import Job, Runner, Step, cores, interrupt_on_signals, run_all

from patchflow.engines._plugin.description_file import description_file
from patchflow.evaluate.tables.page import rewrite_tables
from patchflow.old_names import with_new_names

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
    if options.rewrite:
        print(f"{options.page}\n{rewrite_tables(options.page)}")
        return 0
    runner = Runner(ROOT, options.workers)
    try:
        # A row needs the examples on disk to know its sizes, so their jobs are made only after these have run. Times of
        # predictions are measured last, when nothing else runs.
        failed = run_all([examples(options, name) for name in options.data], 1, runner)
        failed += run_all(rows(options), options.jobs, runner)
        failed += run_all(timing(options), 1, runner)
        error = runner.run(tables(options))
    except KeyboardInterrupt:
        runner.stop()
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
    parser.add_argument("--sounds", help="folder of out-of-domain sounds to evaluate as well")
    parser.add_argument("--voices", help="DX7 voices: a table for prepare_bank.py, or a folder of .syx files")
    parser.add_argument("--out", help="folder of the runs  [runs/paper/SIZE]")
    parser.add_argument("--page", default="docs/paper.md", help="where the tables go  [docs/paper.md]")
    parser.add_argument("--rewrite", action="store_true", help="write the page from the .json beside it, run nothing")
    parser.add_argument("keys", nargs="*", metavar="KEY=VALUE", help="of every training, over its recipe")
    options = parser.parse_args(words)
    for name, value in DEFAULTS[options.size].items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.jobs = options.jobs or (4 if options.device == "cuda" else cores())
    options.workers = max(1, cores() // options.jobs)
    options.out = Path(options.out or f"runs/paper/{options.size}")
    return options


def examples(options: argparse.Namespace, name: str) -> Job:
    """Returns how a data set is made, its bank first."""
    folder = folder_of(options, name)
    words = ("dataset", f"recipes/examples/{name}.toml", "-o", str(folder), f"items={options.items}")
    step = Step((*PATCHFLOW, *words), ROOT / folder / "about.json")
    bank = () if step.is_done else bank_of(options, name.partition("-")[0])
    return Job(f"examples {name}", (*bank, step), ROOT / "cache/examples" / f"{folder.name}.log")


def bank_of(options: argparse.Namespace, synth: str) -> tuple[Step, ...]:
    """Returns how the bank of a synth is made, if there is none."""
    bank = ROOT / BANKS[synth]
    if bank.exists():
        return ()
    prepare = (*PATCHFLOW, "dataset", f"recipes/banks/{synth}.toml", "-o", BANKS[synth])
    if synth == "amsynth":
        if not (Path(PLUGIN).exists() and Path(PRESETS).exists()):
            raise SystemExit("amsynth is not installed: apt-get install amsynth, or choose others with --data")
        add = Step((*PATCHFLOW, "synth", "add", PLUGIN, "--name", synth), description_file(synth))
        return add, Step((*prepare, f"presets={PRESETS}"), bank)
    if not options.voices:
        drawn = f"patchflow dataset recipes/banks/{synth}.toml -o {BANKS[synth]} drawn=3000"
        raise SystemExit(
            f"{BANKS[synth]} is missing: give --voices with a folder of .syx files. Without any, this makes a bank "
            f"of drawn presets, with which everything runs but no number means anything: {drawn}"
        )
    if Path(options.voices).is_dir():
        return (Step((*prepare, f"presets={options.voices}"), bank),)
    return (Step((sys.executable, "benchmarks/prepare_bank.py", options.voices, str(bank)), bank),)


def rows(options: argparse.Namespace) -> list[Job]:
    """Returns how models are trained and evaluated, and the baselines."""
    jobs = []
    for name in options.data:
        if not (ROOT / folder_of(options, name) / "about.json").exists():
            continue  # making them failed, and that was printed
        jobs += [beside(options, name, fold) for fold in options.folds]
        for fold, seed, model in itertools.product(options.folds, options.seeds, options.models):
            jobs.append(row(options, name, (model, fold, seed)))
    return jobs


def row(options: argparse.Namespace, name: str, run: tuple[str, int, int]) -> Job:
    """Returns how one model is trained on one fold and evaluated."""
    model, fold, seed = run
    recipe = Path("recipes/paper", "small" if options.size == "small" else "", f"{model}.toml")
    synth = synth_of(name)
    out = options.out / name / f"{model}-{fold}-{seed}"
    keys = {"data": folder_of(options, name), "synth": synth, "fold": fold, "seed": seed, "out": out}
    keys |= {"device": options.device, "minutes": options.minutes}
    if options.minutes and options.size == "paper":
        # The time limit would end a plateau schedule before the learning rate was ever halved.
        keys |= {"schedule": "cosine", "plateau_patience": 0}
    if model.startswith("flow_dis"):
        about = with_new_names("examples", json.loads((ROOT / keys["data"] / "about.json").read_text()))
        keys["sizes.attributes"] = len(about["attributes"])
    if synth in WHOLE.values() and not model.startswith("flow_") and not model.endswith("-classes"):
        keys["sizes.parameter_loss"] = "cross_entropy"  # some of its parameters are choices
    weights = ROOT / out / f"{synth}.safetensors"
    settings = [f"{key}={value}" for key, value in keys.items()]
    train = (*PATCHFLOW, "train", str(recipe), *settings, *options.keys)
    evaluate = (*PATCHFLOW, "evaluate", str(out), "--device", options.device, *evaluation(options))
    steps = (Step(train, weights), Step(evaluate, ROOT / out / "summary.json", weights))
    return Job(f"{name} {model}, fold {fold}, seed {seed}", steps, ROOT / out.with_suffix(".log"))


def beside(options: argparse.Namespace, name: str, fold: int) -> Job:
    """Returns how the baselines of one fold are evaluated."""
    out = options.out / name / f"beside-{fold}"
    words = ("evaluate", "--baselines", str(folder_of(options, name)), "--fold", str(fold), "-o", str(out))
    step = Step((*PATCHFLOW, *words, *evaluation(options)), ROOT / out / "tags.json")
    return Job(f"{name} baselines, fold {fold}", (step,), ROOT / out.with_suffix(".log"))


def timing(options: argparse.Namespace) -> list[Job]:
    """Returns how the predictions of all models are timed once more, now that nothing else runs."""
    root = ROOT / options.out
    runs = [str(path.parent) for path in sorted(root.rglob("summary.json")) if (path.parent / "recipe.json").exists()]
    words = (*PATCHFLOW, "evaluate", *runs, "--device", options.device, *evaluation(options))
    return [Job("time of a prediction", (Step(words),), root / "timing.log")] if runs else []


def tables(options: argparse.Namespace) -> Job:
    """Returns how the tables are made of all that is finished."""
    root = ROOT / options.out
    finished = {path.parent for path in root.rglob("tags.json")}
    finished |= {path.parent for path in root.rglob("summary.json") if path.parent.parent not in finished}
    folders = sorted(map(str, finished)) or [str(root)]
    return Job("tables", (Step((*PATCHFLOW, "tables", *folders, "-o", options.page)),), root / "tables.log")


def folder_of(options: argparse.Namespace, name: str) -> Path:
    """Returns where the examples of a data set lie; those of fewer presets lie apart."""
    return Path("cache/examples", f"{name}-of-{options.items}" if options.items else name)


def synth_of(name: str) -> str:
    """Returns the engine of a data set."""
    return WHOLE.get(name, name.replace("-", "_"))


def evaluation(options: argparse.Namespace) -> tuple[str, ...]:
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
    interrupt_on_signals()
    sys.exit(main())
