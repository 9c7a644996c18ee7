"""Several processes and threads that train one model: their shares of a batch, gradients and batch norm."""

import copy
import gc
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, distributed, nn

from ..errors import OptionError
from ..models import Batch, Model

__all__ = ["Replicas", "SharedBatchNorm", "Team", "change", "is_alone", "is_follower", "joined", "leave_to_the_first"]

_PATIENCE = timedelta(days=7)  # the others wait while the first renders or validates

_SEEDS = 2**40  # seeds of replicas are so far apart that those of their steps do not meet


@dataclass(frozen=True)
class Team:
    """The processes of a run and which of them this is; alone if not said otherwise.

    Each learns from its share of every batch. Gradients are summed over all, so that they are those of the whole batch.

    Args:
        rank: Number of this process, from 0; the first one writes files and reports the progress.
        size: Number of processes.
        device: Where this one computes.

    Example:
        >>> Team().leads
        True
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """Returns the items of a batch that this process learns from, about as many as each of the others.

        Raises:
            OptionError: If there are fewer items than processes.
        """
        if self.size == 1:
            return batch
        if len(batch) < self.size:
            raise OptionError(f"batch={len(batch)}: fewer items than processes ({self.size})")
        whole = (batch.points, batch.mel, batch.note, batch.tags)
        points, mel, note, tags = [tensor.tensor_split(self.size)[self.rank] for tensor in whole]
        return Batch(points, mel, note, tags)

    def prepare(self, model: nn.Module) -> None:
        """Makes weights equal on all processes, and batch norm look at the items of all of them.

        Args:
            model: What is trained; its layers of batch norm are replaced in place.
        """
        if self.size == 1:
            return
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                distributed.broadcast(tensor, 0)
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.modules.batchnorm._BatchNorm):
                    setattr(module, name, SharedBatchNorm.of(child))

    @torch.no_grad()
    def sum_up(self, model: Model, before: Mapping[str, Tensor], terms: Sequence[Tensor], share: float) -> None:
        """Replaces gradients, changes of buffers and terms by those over all processes, in place.

        Args:
            model: What has the gradients, already scaled by `share`.
            before: Its floating buffers as they were before this step.
            terms: Terms of the loss, means over this process's items.
            share: This process's share of the batch.
        """
        if self.size == 1:
            return
        # Whether a weight has a gradient may differ between processes, e.g. where no item of a share has a tag. All of
        # them must sum the same tensors, or they would wait for each other forever: so first they agree on which.
        weights = list(model.parameters())
        has_gradient = torch.tensor([float(weight.grad is not None) for weight in weights])
        distributed.all_reduce(has_gradient)
        gradients = []
        for weight, count in zip(weights, has_gradient.tolist(), strict=True):
            if not count:
                continue
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            gradients.append(weight.grad)

        buffers = {name: buffer for name, buffer in model.named_buffers() if name in before}
        changes = [change(before[name], buffer) * share for name, buffer in buffers.items()]
        scaled_terms = [term * share for term in terms]
        summed = _sum([*gradients, *changes, *scaled_terms])
        for tensor, value in zip([*gradients, *changes, *terms], summed, strict=True):
            tensor.copy_(value)
        for (name, buffer), changed in zip(buffers.items(), changes, strict=True):
            buffer.copy_(before[name] + changed)

    def agree(self, values: Sequence[float]) -> list[float]:
        """Returns the first process's numbers on all of them.

        Args:
            values: Numbers of this process, as many as on all others.
        """
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(list(values), dtype=torch.float64)
        distributed.broadcast(tensor, 0)
        return tensor.tolist()

    def wait(self) -> None:
        """Returns when all processes have come here."""
        self.agree([0.0])


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """Gives the team of this process: that of torchrun, else itself alone.

    Args:
        device: `"cpu"` or `"cuda"`.

    Raises:
        OptionError: If there is no such device, or fewer than processes on this machine.
    """
    count = torch.cuda.device_count() if device == "cuda" else 1
    local = _number("LOCAL_RANK", 0)
    if count == 0:
        raise OptionError("device='cuda': there is no CUDA device here; give device=cpu")
    if device == "cuda" and local >= count:
        raise OptionError(f"device='cuda': {local + 1} processes, but {count} CUDA devices here")
    own = f"cuda:{local}" if device == "cuda" else "cpu"
    if is_alone():
        yield Team(device=own)
        return
    if device == "cuda":
        torch.cuda.set_device(own)
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size(), own)
        distributed.barrier()  # a process that ends while another still talks to it is aborted now and then
    finally:
        distributed.destroy_process_group()
        gc.collect()


def change(before: Tensor, after: Tensor) -> Tensor:
    """Returns the difference, which is exactly 0 where nothing changed, infinities too.

    Args:
        before: A tensor as it was.
        after: The same tensor as it is.
    """
    return torch.where(before == after, 0.0, after - before)


def is_follower() -> bool:
    """Returns whether torchrun started this process and it is not the first."""
    return _number("RANK", 0) > 0


def leave_to_the_first(seconds: float = 60.0) -> None:
    """Waits, in a process that met an error, for the first process to meet it too and to print it.

    torchrun ends all processes as soon as one has failed, the first one perhaps before it could print anything. So
    this returns only if the first process did not fail: the error is this process's own, and nobody else tells it.

    Args:
        seconds: How long the first process may take until it comes to the same error.
    """
    time.sleep(seconds)


def is_alone() -> bool:
    """Returns whether this process was not started together with others by torchrun."""
    return _number("WORLD_SIZE", 1) == 1


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else otherwise


def _sum(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Sums tensors over all processes, in one go."""
    flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
    distributed.all_reduce(flat)
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


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
        # the very same tensors, not copies: the optimizer has hold of them already
        made._parameters = norm._parameters
        made._buffers = norm._buffers
        made.training = norm.training
        return made

    def forward(self, input: Tensor) -> Tensor:
        """Returns the normalised input, shape `(B, C, ...)`."""
        if not self.training:
            return super().forward(input)
        # Sums over the items of all processes, and how many values those were: shares may differ in size. The variance
        # is that of differences from the common mean, as squares of large values less a large mean would round off.
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
        if not self.affine:
            return (centred * scale.view(shape)).to(input.dtype)
        scale = scale * self.weight
        return (centred * scale.view(shape) + self.bias.view(shape)).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        # without a momentum torch keeps the plain mean of all batches
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), share)

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # any number of dimensions: that was for the batch norm to check which this one was made of


class Replicas:
    """Copies of a model that share its weights but have gradients of their own.

    On a few cores this is faster than several threads within every operation, which mostly wait for
    each other. The gradients do not depend on the order in which the threads finish. A term that is no mean over
    items, and batch norm, are computed for each thread's share.

    Args:
        model: What is trained; the gradients end up on it.
        count: Number of threads, the model's own included.
        team: The processes that do the same, each with its own share of the batch.
        compiled: Whether to compile the loss.

    Example:
        >>> # with Replicas(model, 2) as replicas: terms = replicas.backward(batch, seed=0)
    """

    def __init__(self, model: Model, count: int, team: Team | None = None, *, compiled: bool = False) -> None:
        self._team = team or Team()
        self._models = [model] + [_replica_of(model) for _ in range(count - 1)]
        self._losses = [torch.compile(one.loss) if compiled else one.loss for one in self._models]
        threads = max(1, torch.get_num_threads() // count) if count > 1 else torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "replica", torch.set_num_threads, (threads,))

    def __enter__(self) -> "Replicas":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def backward(
        self, batch: Batch, weights: Mapping[str, float] | None = None, *, seed: int, mixed: bool = False
    ) -> dict[str, Tensor]:
        """Sets the gradients of the mean loss over a batch and returns its terms, not weighted.

        Args:
            batch: What to learn from; every process gets the same.
            weights: Weight of every term by name; 1 for those not named.
            seed: Seed of all random numbers within the model.
            mixed: Whether to compute in bfloat16 where that is safe.
        """
        ours = self._team.share(batch)
        shares = list(ours.chunk(len(self._models)))
        device = ours.points.device
        # every replica of every process has random numbers of its own; those of this process begin at `first`
        first = self._team.rank * len(self._models)
        torch.manual_seed(seed + first * _SEEDS)  # for layers that take no generator
        # Buffers, such as the statistics of batch norm, change while the loss is computed. Where several replicas
        # change them, each by what its share says, the changes are averaged afterwards.
        before: dict[str, Tensor] = {}
        if len(self._models) * self._team.size > 1:
            before = {name: buffer.clone() for name, buffer in self._floating(0).items()}

        def work(k: int) -> dict[str, Tensor]:
            model = self._models[k].train()
            generator = torch.Generator(device).manual_seed(seed + (first + k) * _SEEDS)
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                terms = self._losses[k](shares[k], generator)
                weighted = [(weights or {}).get(name, 1.0) * term for name, term in terms.items()]
                loss = torch.stack(weighted).sum()
            model.zero_grad(set_to_none=True)
            # terms are means over a share, so with its part of the whole batch the gradients add up to that of the mean
            (loss * (len(shares[k]) / len(batch))).backward()
            return {name: term.detach().float() for name, term in terms.items()}

        alone = len(self._models) == 1  # then this thread is as good as another, and its memory is at hand
        found = [work(0)] if alone else list(self._pool.map(work, range(len(shares))))
        parts = [len(share) / len(ours) for share in shares]
        terms = _mean_terms(found, parts)
        self._gather(before, parts)
        self._team.sum_up(self._models[0], before, list(terms.values()), len(ours) / len(batch))
        return terms

    @torch.no_grad()
    def _gather(self, before: Mapping[str, Tensor], parts: list[float]) -> None:
        """Adds up the copies' gradients, and shares out what changed in the buffers."""
        if len(self._models) == 1:
            return
        # One copy after the other, whichever was ready first: sums of floats depend on their order. A batch smaller
        # than the number of copies leaves the last ones without a share, and with the gradients of another step.
        for replica in self._models[1 : len(parts)]:
            for ours, theirs in zip(self._models[0].parameters(), replica.parameters(), strict=True):
                if theirs.grad is None:
                    continue
                ours.grad = theirs.grad if ours.grad is None else ours.grad.add_(theirs.grad)
        buffers = [self._floating(k) for k in range(len(self._models))]
        for name, old in before.items():
            changes = [change(old, buffers[k][name]) * part for k, part in enumerate(parts)]
            for mine in buffers:
                mine[name].copy_(old + torch.stack(changes).sum(0))

    def _floating(self, k: int) -> dict[str, Tensor]:
        """The buffers of a replica that may be averaged."""
        return {name: x for name, x in self._models[k].named_buffers() if x.is_floating_point()}


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


def _mean_terms(found: list[dict[str, Tensor]], parts: list[float]) -> dict[str, Tensor]:
    """The terms over a batch, of the terms of its shares, which are these parts of it."""
    terms = {}
    for name in found[0]:
        weighted = [one[name] * part for one, part in zip(found, parts, strict=True)]
        terms[name] = torch.stack(weighted).sum()
    return terms


def _replica_of(model: Model) -> Model:
    """A copy whose weights are the same tensors as the model's: a step of the optimizer moves both."""
    replica = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), replica.parameters(), strict=True):
        theirs.data = ours.data
    return replica
