"""How well numbers tell two opposite words apart: along one dimension, or by a linear classifier of all."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

__all__ = ["Axis", "area_under_curve", "balanced_accuracy", "best_axis", "classify", "d_prime"]


@dataclass(frozen=True)
class Axis:
    """How far apart two groups lie along one dimension.

    Args:
        dimension: Which.
        auc: Chance that one of the second group lies above one of the first: 0.5 if they cannot be told apart.
        d_prime: Distance of the means in standard deviations.
    """

    dimension: int
    auc: float
    d_prime: float


def area_under_curve(values: np.ndarray, positive: np.ndarray) -> float:
    """Returns the chance that a positive value is larger than a negative one, ties counting half.

    References:
        Hanley & McNeil, The meaning and use of the area under a receiver operating characteristic curve (1982)
        https://doi.org/10.1148/radiology.143.1.7063747

    Args:
        values: Shape `(N,)`.
        positive: Which belong to the second group, bool, shape `(N,)`; both groups must have members.

    Example:
        >>> area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]))
        1.0
    """
    count = int(positive.sum())
    ranks = rankdata(values)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * (len(values) - count)))


def d_prime(values: np.ndarray, positive: np.ndarray) -> float:
    """Returns the distance of two groups' means in units of their mean standard deviation; 0 without any spread.

    References:
        Green & Swets, Signal detection theory and psychophysics (1966)

    Args:
        values: Shape `(N,)`.
        positive: Which belong to the second group, bool, shape `(N,)`.
    """
    above, below = values[positive], values[~positive]
    spread = np.sqrt((above.var() + below.var()) / 2)
    return float((above.mean() - below.mean()) / spread) if spread > 0 else 0.0


def best_axis(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], dimension: int | None = None
) -> Axis:
    """Returns how well a dimension separates test items; the one that does best on training items if none is given.

    Args:
        train: Positions `(N, Z)`, and which belong to the second group `(N,)`.
        test: The same of other items, on which it is measured.
        dimension: Which to measure; turned so that the training items of the second group lie above.
    """
    positions, positive = train
    areas = np.array([area_under_curve(column, positive) for column in positions.T])
    chosen = int(np.argmax(np.abs(areas - 0.5))) if dimension is None else dimension
    values = test[0][:, chosen] * (1.0 if areas[chosen] >= 0.5 else -1.0)
    return Axis(chosen, area_under_curve(values, test[1]), d_prime(values, test[1]))


def classify(train: tuple[np.ndarray, np.ndarray], features: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    """Fits a logistic regression in which both groups weigh the same, and returns what it takes other items for.

    Features are standardised by the training items.

    Args:
        train: Features `(N, D)`, and which belong to the second group `(N,)`.
        features: Of the items to tell apart, shape `(K, D)`.
        penalty: Weight of the squared coefficients, at least 0.

    Returns:
        Which belong to the second group, bool, shape `(K,)`.
    """
    x, positive = train
    mean, spread = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1.0)
    known, sign = (x - mean) / spread, np.where(positive, 1.0, -1.0)
    share = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (known @ w[1:] + w[0])
        pull = -share * sign * expit(-margin)
        gradient = np.append(pull.sum(), known.T @ pull + penalty / len(known) * w[1:])
        return float(share @ np.logaddexp(0, -margin) + penalty / len(known) / 2 * w[1:] @ w[1:]), gradient

    w = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B").x
    return (features - mean) / spread @ w[1:] + w[0] > 0


def balanced_accuracy(found: np.ndarray, positive: np.ndarray) -> float:
    """Returns the mean of the shares of both groups that were recognised; 0.5 is chance.

    Args:
        found: Which were taken for the second group, bool, shape `(N,)`.
        positive: Which belong to it, bool, shape `(N,)`.

    Example:
        >>> balanced_accuracy(np.array([True, True, True, False]), np.array([True, False, False, False]))
        0.6666666666666666
    """
    return float((found[positive].mean() + (~found[~positive]).mean()) / 2)
