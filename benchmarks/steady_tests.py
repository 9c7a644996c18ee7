"""Runs tests that train or sample under other seeds, numbers of threads and roundings.

Usage: python benchmarks/steady_tests.py [TEST ...] --seeds 20 --threads 1,2,4 --roundings 5
writes benchmarks/results/steady_tests.json

A test passes on the processor it was written on, with its own seed. On another processor sums are in another order, and
200 training steps later the weights are others. So each test is run

* with every seed in it shifted, on one thread;
* with its own seed on several threads, whose partial sums are added in another order;
* with its own seed and the last bit of every sum, product and logarithm moved by chance: another processor.

The file is a plug-in of pytest as well; the variables below tell it what to do.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "results" / "steady_tests.json"

SEED = "PATCHFLOW_STEADY_SEED"  # added to every seed
THREADS = "PATCHFLOW_STEADY_THREADS"
ROUNDING = "PATCHFLOW_STEADY_ROUNDING"  # which of many roundings; 0 for that of this processor

# what trains, samples or searches and then asks for a threshold
TESTS = (
    "tests/contracts/test_densities.py",
    "tests/evaluate/test_separation.py",
    "tests/match/test_matcher.py",
    "tests/models/test_flow_dis.py",
    "tests/models/test_flow_joint.py",
    "tests/models/test_posterior.py",
    "tests/models/test_shipped_flows.py",
    "tests/train/test_loop.py::test_the_losses_fall",
)

# operations whose last bit depends on the order of a sum or on a library's polynomial
INEXACT = {
    "addmm", "baddbmm", "bmm", "convolution", "convolution_backward", "cumsum", "exp", "expm1", "log", "log1p",
    "_log_softmax", "logsumexp", "mean", "mm", "native_batch_norm", "native_batch_norm_backward", "softplus", "sqrt",
    "std", "sum", "var",
}  # fmt: skip


def main() -> None:
    """Runs every test in every way, and writes how often each failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", default=TESTS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--threads", default="1,2,4")
    parser.add_argument("--roundings", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    ways = [{SEED: str(seed), THREADS: "1"} for seed in range(options.seeds)]
    ways += [{THREADS: count} for count in options.threads.split(",")]
    ways += [{ROUNDING: str(number), THREADS: "1"} for number in range(1, options.roundings + 1)]
    failures: dict[str, list[dict[str, str]]] = {}
    passed = 0
    for way in ways:
        result = run(options.tests, way)
        passed += result["passed"]
        for test in result["failed"]:
            failures.setdefault(test, []).append(way)
        print(f"{way}: {result['passed']} passed, failed: {result['failed'] or 'none'}", flush=True)
    ask = {"seeds": options.seeds, "threads": options.threads, "roundings": options.roundings}
    found = {"tests": list(options.tests), **ask, "passed": passed, "failures": failures}
    options.out.write_text(json.dumps(found, indent=1) + "\n")


def run(tests: list[str], way: dict[str, str]) -> dict[str, Any]:
    """Runs tests in one way; returns how many passed and the names of those that failed."""
    search = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
    environment = {**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": way.get(THREADS, "1"), **way}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "steady_tests", "-p", "no:cacheprovider", *tests]
    done = subprocess.run([*command, "-rfE"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED", "ERROR"))]
    summary = lines[-1].replace(",", "").split() if lines else []
    if done.returncode > 1 or not summary:
        raise SystemExit(done.stdout + done.stderr)
    return {"passed": int(summary[summary.index("passed") - 1]) if "passed" in summary else 0, "failed": failed}


def pytest_configure() -> None:
    """Sets threads, seeds and rounding, before any test is imported."""
    import torch

    torch.set_num_threads(int(os.environ.get(THREADS, "1")))
    shift = int(os.environ.get(SEED, "0"))
    if shift:
        _shift_seeds(shift)
    rounding = int(os.environ.get(ROUNDING, "0"))
    if rounding:
        _rounding(rounding).__enter__()  # to the end of the process


def _shift_seeds(shift: int) -> None:
    """Makes generators of torch, numpy and Python begin elsewhere than their seeds say."""
    import numpy as np
    import torch

    class Generator(torch.Generator):
        def manual_seed(self, seed: int) -> "Generator":
            super().manual_seed((seed + 7919 * shift) % 2**63)
            return self

    begin = torch.manual_seed
    default_rng = np.random.default_rng

    def shifted(seed: Any = None) -> Any:
        if isinstance(seed, int | np.integer):
            return default_rng([int(seed), shift])
        if isinstance(seed, list | tuple):
            return default_rng([*seed, shift])
        return default_rng(seed)  # no seed, or a generator that was made from one

    class Random(random.Random):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(seed if seed is None else f"{seed}-{shift}")

    torch.Generator = Generator
    torch.manual_seed = lambda seed: begin((int(seed) + 7919 * shift) % 2**63)
    np.random.default_rng = shifted
    random.Random = Random


def _rounding(number: int) -> Any:
    """A torch mode in which the last bit of inexact operations is one up, one down or as it was."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    def moved(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.dtype not in (torch.float32, torch.float64):
            return value
        kind = torch.int32 if value.dtype == torch.float32 else torch.int64
        bits = value.detach().contiguous().view(kind)
        # a hash of the bits themselves: the same input is rounded the same way, as on a real processor
        mixed = bits * 40_503 + 9_176 * number
        mixed = (mixed ^ (mixed >> 15)) * 2_246_822_519 % 2_147_483_647
        change = ((mixed >> 11) % 3 - 1).to(kind)
        exact = (value == value.round()) | ~value.isfinite()
        return torch.where(exact, value, (bits + change).view(value.dtype).view(value.shape))

    class Rounding(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            if func._schema.name.split("::")[1] not in INEXACT:
                return out
            if isinstance(out, tuple | list):
                return type(out)(map(moved, out))
            return moved(out)

    return Rounding()


if __name__ == "__main__":
    main()
