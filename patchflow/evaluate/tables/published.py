"""The paper's published figures, for the tables that put them beside ours."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MEAN_PRESET", "OUT_OF_DOMAIN", "PUBLISHED", "Published"]


@dataclass(frozen=True)
class Published:
    """A row of the paper's table, means over its test sounds; lower is better.

    Args:
        mse_n: Error of the parameters relative to their mean square.
        spectral_convergence: Of mel power spectrograms.
        mel_mse: Of the same; depends on level and synth.
    """

    mse_n: float
    spectral_convergence: float
    mel_mse: float


def _rows(*rows: tuple[str, float, float, float]) -> Mapping[str, Published]:
    return {name: Published(*numbers) for name, *numbers in rows}


PUBLISHED: Mapping[int, Mapping[str, Published]] = {
    16: _rows(
        ("mlp", 0.236, 6.226, 9.548),
        ("cnn", 0.171, 1.372, 6.329),
        ("resnet", 0.191, 1.004, 6.422),
        ("ae", 0.181, 0.893, 5.557),
        ("vae", 0.182, 0.810, 4.901),
        ("wae", 0.159, 0.787, 4.979),
        ("vaeflow", 0.199, 0.838, 4.975),
        ("flow_reg", 0.197, 0.752, 4.409),
        ("flow_dis", 0.199, 0.831, 5.103),
    ),
    32: _rows(
        ("mlp", 0.218, 13.51, 36.48),
        ("cnn", 0.159, 19.18, 33.40),
        ("resnet", 0.196, 10.37, 31.13),
        ("ae", 0.169, 5.566, 17.71),
        ("vae", 0.153, 5.519, 16.85),
        ("wae", 0.147, 3.967, 16.64),
        ("vaeflow", 0.164, 1.418, 17.74),
        ("flow_reg", 0.193, 0.911, 16.61),
        ("flow_dis", 0.197, 1.481, 17.12),
    ),
}
"""By number of parameters and model: Esling et al., Universal audio synthesizer control with normalizing flows (2019),
https://arxiv.org/abs/1907.00971. For 64 parameters nothing was published there."""

MEAN_PRESET: Mapping[int, float] = {16: 0.299, 32: 0.265, 64: 0.209}
"""`mse_n` of the mean preset on the paper's data, measured on it afterwards; not in the paper."""

OUT_OF_DOMAIN: Mapping[int, Mapping[str, float]] = {
    32: {
        "mlp": 2.348,
        "cnn": 2.311,
        "resnet": 2.322,
        "ae": 1.225,
        "vae": 1.237,
        "wae": 1.194,
        "vaeflow": 1.193,
        "flow_reg": 1.101,
        "flow_dis": 1.209,
    }
}
"""Spectral convergence on sounds out of domain, of the same paper; for 16 parameters nothing was published."""
