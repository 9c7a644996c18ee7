"""Small flows of every kind, far from where training begins, and points for them to move."""

import inspect

import torch
from torch import Tensor

from patchflow.flows import Chain, Flow, flows
from patchflow.flows.permutation import Permutation

__all__ = ["CONTEXT", "context_of", "long_chain", "make", "points_of"]

CONTEXT = 3


def make(name: str, size: int, context: int, *, spread: float = 0.2, seed: int = 0) -> Flow:
    """A small flow in training whose weights are moved from where they begin, and which has seen a batch."""
    small = {"hidden": 16} if "hidden" in inspect.signature(flows[name]).parameters else {}
    torch.manual_seed(seed)
    flow = _moved(flows[name](size, context, **small), spread)
    flow(points_of(flow, 50, seed=seed + 5).float(), context_of(flow, 50, torch.float32))
    return flow


def long_chain(name: str, size: int) -> Flow:
    """Sixteen of them, at their full size, with the coordinates shuffled between."""
    torch.manual_seed(0)
    steps = (step for i in range(16) for step in (flows[name](size), Permutation(size, seed=i)))
    chain = _moved(Chain(*steps), 0.02)
    chain(torch.randn(50, size))
    return chain.eval()


def points_of(flow: Flow, count: int, place: str = "", *, seed: int = 2) -> Tensor:
    """Points of its domain, or of another place."""
    normal = torch.randn(count, flow.size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normal.sigmoid() if (place or flow.domain) == "cube" else normal


def context_of(flow: Flow, count: int, dtype: torch.dtype | None = None) -> Tensor | None:
    """A context of the flow's type for each of some points, if it was made for one."""
    if not flow.context:
        return None
    context = torch.randn(count, flow.context, generator=torch.Generator().manual_seed(4))
    return context.to(dtype or next(iter(flow.parameters()), torch.zeros((), dtype=torch.float64)).dtype)


@torch.no_grad()
def _moved(flow: Flow, spread: float) -> Flow:
    for weight in flow.parameters():
        weight.add_(spread * torch.randn_like(weight))
    return flow
