"""Metrics: how near one sound is to another, one metric a file.

Two batches of sounds and their sample rate come in, one number a pair comes out. Unit, direction and best value are
data of the metric. Open `_metric.py` first, then `perceptual.py`, which the search minimises.

* `_metric.py`: `Metric`, and the decorator that makes one.
* `log_mel_l1.py`, `mss.py`, `sot.py`, `wmfcc.py`, `rms.py`: spectra, cepstra and envelopes of level-normalised sounds,
  or nearly so.
* `timbre.py`: how alike people would call two sounds, as far as a simple distance knows.
* `detuning.py`: how far two sounds are out of tune.
* `perceptual.py`: the sum of the last two and log-mel L1.
* `spectral_convergence.py`, `mel_mse.py`: linear power spectra, as in the paper; the loudest partials decide.

Sounds are compared by all of them in `output/distances.py`.
"""

from typing import TYPE_CHECKING

from ..registry import Registry

if TYPE_CHECKING:
    from ._metric import Metric

__all__ = ["metrics"]

metrics: "Registry[Metric]" = Registry("patchflow.metrics", "metric")
"""The metrics by name, e.g. `metrics["rms"]`; listed without waiting for torch."""
