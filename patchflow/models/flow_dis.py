"""The disentangling flow: a regression flow whose latent has semantic macro-controls."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..presets import ParamSpace
from ._chains import chain
from ._disentangling import Disentangling
from ._evidence import Evidence, EvidenceSizes
from ._gaussian import Drawn
from ._macros import Macros
from ._model import Batch

__all__ = ["FlowDis"]


@dataclass(frozen=True)
class _Sizes(EvidenceSizes):
    pairs: int


class FlowDis(Evidence, Macros):
    """`FlowReg` and a second flow from z to z', where a dimension of its own stands for each pair of opposite words.

    Sounds may have all tags, some or none, see `Disentangling`. The term `disentangling` is the divergence of
    q(z|x) from p(z | tags), of one draw a sound: log q(z|x) - log p(z' | tags) - log|det dz'/dz|, divided by Z. The
    entropy of q is a part of it because without that a smaller z would always be better.

    `macro` and `from_macro` go from z to z' and back: to make a sound more like a word, turn its coordinate.

    At the paper's sizes it has 11 million weights for 32 parameters. A small one: that of `FlowReg` (0.9 million).

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        pairs: Number of pairs of opposite words; the paper trains one at a time.
        latent: Number of latent dimensions; 0 for as many as there are parameters. See `FlowRegression` for others.
        channels: Of every convolution, in the encoder and in the decoder.
        layers: Number of convolutions in either.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers in either.
        depth: Number of linear layers in either.
        flow: Name of the flows, see `flows`.
        steps: Number of steps of each.
        flow_hidden: Width of the networks inside.
        conditional: How many numbers the regression flow is told of the sound, 0 for none; see `FlowReg`.
        hears: What it hears, see `features.inputs`.

    Example:
        >>> import torch
        >>> from patchflow.engines import engines
        >>> model = FlowDis(engines["tone"].space, channels=4, hidden=8, steps=2, flow_hidden=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> torch.allclose(model.from_macro(model.macro(z)), z, atol=1e-5)
        True
    """

    def __init__(
        self,
        space: ParamSpace,
        *,
        pairs: int = 1,
        latent: int = 0,
        channels: int = 64,
        layers: int = 5,
        kernel: int = 7,
        hidden: int = 1024,
        depth: int = 3,
        flow: str = "iaf",
        steps: int = 16,
        flow_hidden: int = 256,
        conditional: int = 0,
        hears: str = "paper",
    ) -> None:
        sizes = _Sizes(
            latent, channels, layers, kernel, hidden, depth, hears, flow, steps, flow_hidden, conditional, pairs
        )
        super().__init__(space, sizes)
        to_words = chain(flow, self.latent_size, steps, hidden=flow_hidden, seed=2000)
        self.disentangling = Disentangling(to_words, pairs)
        self.pairs = pairs

    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.macro`: returns z'."""
        return self.disentangling.flow(z)[0]

    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.from_macro`."""
        return self.disentangling.flow.inverse(z)[0]

    def further_terms(self, drawn: Drawn, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Returns the divergence of q(z|x) from p(z | tags), estimated by the draws."""
        return {"disentangling": (drawn.log_density - self.disentangling.log_density(drawn.z, batch.tags)).mean()}
