"""How far apart opposite words lie in a model's latent space."""

from typing import Any

from ..data.examples import Examples
from ..models import Model

__all__ = ["latent_separation"]


def latent_separation(model: Model, examples: Examples, fold: int, device: str = "cpu") -> list[dict[str, Any]]:
    """Returns nothing yet."""
    return []
