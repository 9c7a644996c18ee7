"""The disentangling flow: a regression flow whose latent has semantic macro-controls."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..flows import chain
from ..nn.gaussian import Disentangling, LatentSample
from ..presets import ParamSpace
from ._base import Batch, Macros
from ._flow_regression import Evidence, EvidenceSizes

__all__ = ["FlowDis", "FlowDisSizes"]


@dataclass(frozen=True)
class FlowDisSizes(EvidenceSizes):
    """The sizes of this model: those of `EvidenceSizes`, and this.

    Args:
        attributes: Number of attributes, from 1 to the number of latent dimensions; the paper trains one at a time.
    """

    attributes: int = 1


class FlowDis(Evidence, Macros):
    """`FlowReg` and a second flow from z to z', where a dimension of its own stands for each attribute.

    Sounds may have all tags, some or none, see `Disentangling`. The term `disentangling` is the divergence of
    q(z|x) from p(z | tags), of one draw a sound: log q(z|x) - log p(z' | tags) - log|det dz'/dz|, divided by Z. The
    entropy of q is a part of it because without that a smaller z would always be better.

    `macro` and `from_macro` go from z to z' and back: to make a sound more of an attribute, change its coordinate.

    At the paper's sizes it has 11 million weights for 32 parameters. A small one: that of `FlowReg` (0.9 million).

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `FlowDisSizes`.

    Example:
        >>> import torch
        >>> from patchflow.engines import engines
        >>> model = FlowDis(engines["tone"].space, channels=4, hidden=8, steps=2, flow_hidden=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> torch.allclose(model.from_macro(model.macro(z)), z, atol=1e-5)
        True
    """

    Sizes = FlowDisSizes

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        made = FlowDisSizes(**sizes)
        super().__init__(space, made)
        to_macro = chain(made.flow, self.latent_size, made.steps, hidden=made.flow_hidden, seed=2000)
        self.disentangling = Disentangling(to_macro, made.attributes)
        self.attributes = made.attributes

    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.macro`: returns z'."""
        return self.disentangling.flow(z)[0]

    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.from_macro`."""
        return self.disentangling.flow.inverse(z)[0]

    def further_terms(self, drawn: LatentSample, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Returns the divergence of q(z|x) from p(z | tags), estimated by the draws."""
        excess = drawn.log_prob - self.disentangling.log_prob(drawn.z, batch.tags)
        return {"disentangling": excess.mean()}
