"""What result files say of a run: the commit and the seed that made it, seconds and their spread."""

import statistics
import time
from collections.abc import Callable, Sequence

from patchflow.version import commit

__all__ = ["facts", "seconds", "spread"]


def facts(seed: int) -> dict[str, object]:
    """Returns the commit of the code and the seed, for the beginning of a result file; asked before a long run."""
    return {"commit": commit(), "seed": seed}


def seconds(run: Callable[[], object]) -> float:
    """Returns how long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 3), "low": round(low, 3), "high": round(high, 3)}
