"""Metrics: how near one sound is to another, one metric a file.

Two batches of sounds and their sample rate come in, one number a pair comes out. Unit, direction and best value are
data of the metric. Open `_metric.py` first, then `perceptual.py`, which the search minimises.

* `_metric.py`: `Metric`, and the decorator that makes one.
* `log_mel_l1.py`, `mss.py`, `sot.py`, `wmfcc.py`, `rms.py`: spectra, cepstra and envelopes of level-normalised sounds,
  or nearly so.
* `timbre.py`, `modulation.py`, `mean_spectrum.py`: what people go by where pitch and loudness are the same.
* `detuning.py`: how far two sounds are out of tune.
* `perceptual.py`: the weighted sum of these and log-mel L1, which the search minimises.
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
