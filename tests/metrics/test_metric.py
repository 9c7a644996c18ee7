"""The interface of metrics."""

import subprocess
import sys

import pytest

from patchflow.errors import UnknownName
from patchflow.metrics import metrics


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match=r"'log_mel_l2'. Did you mean 'log_mel_l1'"):
        metrics["log_mel_l2"]


def test_listing_metrics_does_not_import_torch():
    code = "import sys; from patchflow.metrics import metrics; list(metrics); print('torch' in sys.modules)"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "False"
