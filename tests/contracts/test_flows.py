"""What every flow promises, for every one there is, with and without a context."""

import math
from itertools import chain as end_to_end
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call

from patchflow.flows import Chain, Flow, flows
from patchflow.flows._blocks import MaskedLinear
from patchflow.flows.permutation import Permutation
from tests.small_flows import CONTEXT, context_of, long_chain, make, points_of

CONDITIONAL = [name for name in flows if flows[name].conditional]
LEARNED = [name for name in flows if list(flows[name](2).parameters())]
SPREADING = [name for name in LEARNED if flows[name].domain == flows[name].image == "line"]

each_learned = pytest.mark.parametrize("name", LEARNED)
each_conditional = pytest.mark.parametrize("name", CONDITIONAL)
each_from_line_to_line = pytest.mark.parametrize("name", SPREADING)
each_mode = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])


@pytest.fixture(params=flows)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[0, CONTEXT], ids=["alone", "context"])
def flow(name: str, request: pytest.FixtureRequest) -> Flow:
    return make(name, 5, request.param).double().eval()


def agree(flow: Flow, found: Tensor, expected: Tensor) -> None:
    """Asserts that they differ by what the flow claims, or rounding, at most."""
    torch.testing.assert_close(found, expected, rtol=0, atol=flow.tolerance or 1e-10)


@each_mode
def test_inverse_of_forward_is_the_identity(flow: Flow, training: bool):
    x, context = points_of(flow, 20), context_of(flow, 20)

    y, logdet = flow.train(training)(x, context)
    back, minus = flow.inverse(y, context)

    agree(flow, back, x)
    agree(flow, minus, -logdet)


@each_mode
def test_forward_of_inverse_is_the_identity(flow: Flow, training: bool):
    y, context = points_of(flow, 20, flow.image), context_of(flow, 20)

    x, minus = flow.train(training).inverse(y, context)
    back, logdet = flow(x, context)

    agree(flow, back, y)
    agree(flow, logdet, -minus)


@each_mode
def test_logdet_is_the_jacobians(flow: Flow, training: bool):
    x, context = points_of(flow, 6), context_of(flow, 6)

    _, logdet = flow.train(training)(x, context)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x, context)[0].sum(0), x).permute(1, 0, 2)

    torch.testing.assert_close(logdet, torch.linalg.slogdet(jacobian).logabsdet, rtol=0, atol=1e-9)


@each_mode
def test_items_of_a_batch_do_not_change_each_other(flow: Flow, training: bool):
    x, context = points_of(flow, 6), context_of(flow, 6)

    together = flow.train(training)(x, context)
    alone = [flow(x[i : i + 1], None if context is None else context[i : i + 1]) for i in range(6)]

    for all_of_them, each in zip(together, map(torch.cat, zip(*alone, strict=True)), strict=True):
        torch.testing.assert_close(all_of_them, each, rtol=0, atol=1e-12)


@each_learned
@pytest.mark.parametrize("context", [0, CONTEXT], ids=["alone", "context"])
@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["fresh", "trained"])
def test_gradients_reach_every_weight(name: str, context: int, spread: float):
    flow = make(name, 5, context, spread=spread).double()
    x, given = 3 * points_of(flow, 200), context_of(flow, 200)

    y, logdet = flow(x, given)
    (y.square().sum() + logdet.sum()).backward()

    masks = {f"{place}.weight": layer.mask for place, layer in flow.named_modules() if isinstance(layer, MaskedLinear)}
    for place, weight in flow.named_parameters():
        assert weight.grad is not None, place
        assert torch.equal(weight.grad != 0, masks.get(place, torch.ones_like(weight)).bool()), place


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_gradients_are_those_of_the_map(flow: Flow, direction: str):
    points = points_of(flow, 2, flow.domain if direction == "forward" else flow.image).requires_grad_()
    context = context_of(flow, 2)
    given = () if context is None or not flow.conditional else (context.requires_grad_(),)

    def way(points: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        return getattr(flow, direction)(points, *(given or (context,)))

    assert gradcheck(way, (points, *given), atol=1e-4)


@each_learned
def test_the_inverse_has_the_gradients_of_the_weights(name: str):
    flow = make(name, 3, CONTEXT).double().eval()
    y, context = points_of(flow, 2, flow.image), context_of(flow, 2)
    places, weights = zip(*flow.named_parameters(), strict=True)

    class Backwards(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flow = flow

        def forward(self) -> tuple[Tensor, Tensor]:
            return self.flow.inverse(y, context)

    def way(*weights: Tensor) -> tuple[Tensor, Tensor]:
        named = {f"flow.{place}": weight for place, weight in zip(places, weights, strict=True)}
        return functional_call(Backwards(), named, ())

    assert gradcheck(way, weights, fast_mode=True, atol=1e-4)


@each_conditional
def test_the_context_matters(name: str):
    flow = make(name, 5, CONTEXT).double()
    x, context = points_of(flow, 8), torch.zeros(8, CONTEXT, dtype=torch.float64, requires_grad=True)

    y, logdet = flow(x, context)
    other, _ = flow(x, context + 1)

    assert ((y - other).abs().amax(1) > 1e-3).all()
    for found in (y.sum(), logdet.sum()):
        assert (torch.autograd.grad(found, context, retain_graph=True)[0] != 0).all()


def test_same_input_same_output(flow: Flow):
    x, context = points_of(flow, 6), context_of(flow, 6)

    for first, second in zip(flow(x, context), flow(x, context), strict=True):
        assert torch.equal(first, second)


def test_a_saved_flow_is_the_same_flow(name: str, tmp_path: Path):
    flow, other = make(name, 5, CONTEXT), make(name, 5, CONTEXT, seed=1)
    x, context = points_of(flow, 6).float(), context_of(flow, 6)
    y = flow.eval()(x, context)

    save_file(flow.state_dict(), tmp_path / "flow.safetensors")
    other.load_state_dict(load_file(tmp_path / "flow.safetensors"))

    for mode in (False, True):
        for expected, found in zip(y, other.train(mode)(x, context), strict=True):
            assert torch.equal(expected, found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_follows_the_input(name: str, dtype: torch.dtype):
    flow = make(name, 5, CONTEXT).to(dtype)
    x, context = points_of(flow, 4).to(dtype), context_of(flow, 4)

    assert {part.dtype for part in (*flow(x, context), *flow.inverse(x.sigmoid(), context))} == {dtype}


def test_mixed_precision_ends_at_the_flow(name: str):
    flow = make(name, 5, CONTEXT).eval()
    x, context = points_of(flow, 4).bfloat16(), context_of(flow, 4)
    y, logdet = flow(x.float(), context)

    with torch.autocast("cpu", torch.bfloat16):
        half_y, half_logdet = flow(x, context)

    assert torch.equal(half_y, y)
    assert torch.equal(half_logdet, logdet)


def test_the_device_follows_the_input(name: str):
    flow = make(name, 5, CONTEXT).to("meta")

    y, logdet = flow(torch.empty(4, 5, device="meta"), torch.empty(4, CONTEXT, device="meta"))

    assert y.device.type == logdet.device.type == "meta"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_it_can_be_undone_on_a_gpu(name: str):
    flow = make(name, 5, CONTEXT).cuda().eval()
    x, context = points_of(flow, 20).float().cuda(), torch.zeros(20, CONTEXT, device="cuda")

    torch.testing.assert_close(flow.inverse(flow(x, context)[0], context)[0], x, rtol=0, atol=1e-4)


def test_no_vectors_are_no_trouble(flow: Flow):
    x, context = points_of(flow, 0), context_of(flow, 0)

    y, logdet = flow.train()(x, context)

    assert (y.shape, logdet.shape) == ((0, 5), (0,))
    assert flow.inverse(y, context)[0].shape == (0, 5)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_vectors_of_another_length_are_refused(name: str, direction: str):
    with pytest.raises(ValueError, match=r"length 4: not 5, the size of this"):
        getattr(make(name, 5, 0), direction)(torch.rand(2, 4))


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_a_missing_context_is_refused(name: str, direction: str):
    with pytest.raises(ValueError, match=r"context of length 0: not 3, as this \w+ was made for"):
        getattr(make(name, 5, CONTEXT), direction)(torch.rand(2, 5))


def test_a_context_it_was_not_made_for_is_refused(name: str):
    with pytest.raises(ValueError, match=r"context of length 2: not 0, as this \w+ was made for"):
        make(name, 5, 0)(torch.rand(2, 5), torch.rand(2, 2))


def test_sizes_that_are_none_are_refused(name: str):
    with pytest.raises(ValueError, match=r"size=0, context=0: not at least 1 and 0"):
        flows[name](0)
    with pytest.raises(ValueError, match=r"size=2, context=-1: not at least 1 and 0"):
        flows[name](2, -1)


def test_the_pushed_density_integrates_to_one(name: str):
    flow = make(name, 2, 0, spread=0.1).double().eval()
    low, high = (0.0, 1.0) if flow.image == "cube" else (-14.0, 14.0)
    axis = low + (high - low) * (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    grid = torch.cartesian_prod(axis, axis)

    with torch.no_grad():
        x, minus = flow.inverse(grid)
    base = 0.0 if flow.domain == "cube" else -(x.square() + math.log(2 * math.pi)).sum(1) / 2
    mass = (base + minus).exp().mean().item() * (high - low) ** 2

    assert mass == pytest.approx(1, abs=2e-3)


@pytest.mark.slow
@each_from_line_to_line
def test_float32_stays_sound_over_a_long_chain(name: str):
    chain = long_chain(name, 64)
    x = torch.randn(32, 64, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        y, logdet = chain(x)
        back, minus = chain.inverse(y)

    torch.testing.assert_close(back, x, rtol=0, atol=1e-4)
    torch.testing.assert_close(minus, -logdet, rtol=0, atol=1e-3)
    assert (y - x).abs().mean() > 0.1


@each_from_line_to_line
def test_far_from_the_origin_it_is_finite_and_can_be_undone(name: str):
    flow = make(name, 5, 0).eval()
    x = 1e3 * torch.randn(20, 5, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        y, logdet = flow(x)
        back, _ = flow.inverse(y)

    assert logdet.isfinite().all()
    torch.testing.assert_close(back, x, rtol=1e-4, atol=1e-2)


@pytest.mark.slow
@each_from_line_to_line
def test_a_long_chain_learns_from_the_first_steps(name: str):
    steps = ((make(name, 2, 0, spread=0.0, seed=i), Permutation(2, seed=i)) for i in range(16))
    chain = Chain(*end_to_end.from_iterable(steps))
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0)) * 2 + 1
    adam = torch.optim.Adam(chain.parameters(), lr=3e-3)
    losses = []

    for _ in range(15):
        y, logdet = chain(x)
        loss = (y.square().sum(1) / 2 - logdet).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())

    assert math.isfinite(losses[-1])
    assert losses[-1] < losses[0] - 0.2
