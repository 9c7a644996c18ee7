"""The regression flow: one invertible map between the latent of sounds and presets."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..nn.gaussian import LatentSample
from ..presets import ParamSpace
from ._base import Batch
from ._flow_regression import Evidence, EvidenceSizes

__all__ = ["FlowReg"]


class FlowReg(Evidence):
    """`VaeFlow` with a flow of 16 steps from z to the preset in place of the MLP: z -> v and v -> z are both exact.

    Its flows are inverse autoregressive in the direction z -> v, so that training, which needs f(z) and its Jacobian,
    and inference of a preset from a sound, in one shot, both take one pass. The way back, v -> z and the
    density of presets, is exact too, and goes through the coordinates one by one.

    What it maximises, beside reconstruction and the divergence of q, is
    E[log N(f(z); v, sigma^2)] + log|det df/dz| - KL[q(sigma) || p(sigma)], see `Evidence.loss`. Discrete values
    are dequantised: they are anywhere in their cells. Draws are those of q(z|x), sent through f.

    With `regression_context` the map is amortised: its networks have a context of that length, which the encoder
    makes of the sound. It is invertible for each sound. One sound in ten is kept from it in training, so that there
    is a map for latents without a sound, too.

    At the paper's sizes it has 10 million weights for 32 parameters. A small one: `channels=32, hidden=256, depth=2,
    steps=8, flow_hidden=64` (0.8 million).

    References:
        Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow (2016),
        https://arxiv.org/abs/1606.04934
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `EvidenceSizes`.

    Example:
        >>> import torch
        >>> from patchflow.engines import engines
        >>> model = FlowReg(engines["tone"].space, channels=4, hidden=8, steps=2, flow_hidden=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> torch.allclose(model.latent_of(model.presets(z)), z, atol=1e-4)
        True
    """

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        super().__init__(space, EvidenceSizes(**sizes))

    def further_terms(self, drawn: LatentSample, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """See `Evidence.further_terms`: there are none."""
        return {}
