"""How alike two sounds are: one metric, one file; `metrics["log_mel_l1"](estimate, target, rate)`."""

from typing import TYPE_CHECKING

from ..registry import Registry

if TYPE_CHECKING:
    from ._metric import Metric

__all__ = ["metrics"]

metrics: "Registry[Metric]" = Registry("patchflow.metrics", "metric")
