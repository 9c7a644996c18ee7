"""Batch norm over the items of all processes."""

from typing import Any

import torch
from torch import Tensor, distributed, nn

__all__ = ["SharedBatchNorm"]


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose statistics, and their gradients, are those of the items of all processes.

    torch has one for GPUs only (`SyncBatchNorm`); this one also works on CPUs.

    References:
        Ioffe & Szegedy, Batch Normalization (2015), https://arxiv.org/abs/1502.03167
    """

    @classmethod
    def of(cls, norm: nn.modules.batchnorm._BatchNorm) -> "SharedBatchNorm":
        """Returns one that shares the weights and statistics of another batch norm."""
        made = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        made._parameters, made._buffers, made.training = norm._parameters, norm._buffers, norm.training
        return made

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Returns the normalised input, shape `(B, C, ...)`."""
        if not self.training:
            return super().forward(input)
        dims = [0, *range(2, input.dim())]
        x = input.float()
        count = torch.full((1,), x.numel() / x.shape[1], device=x.device)
        sums = _Sum.apply(torch.cat([x.sum(dims), count]))
        mean = sums[:-1] / sums[-1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        centred = x - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(dims)) / sums[-1]
        self._remember(mean.detach(), variance.detach(), sums[-1].detach())
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        out = centred * scale.view(shape)
        return (out + self.bias.view(shape) if self.affine else out).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), share)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002
        pass  # the batch norm this one was made of had its own idea


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose gradient is summed over all of them too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
