"""Convolutional encoders and decoders: all sizes fit, and the taps of a kernel meet something."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from patchflow.nn import ConvDecoder, ConvEncoder
from patchflow.nn.conv import Double, Halve


@pytest.mark.parametrize("shape", [(64, 80), (80, 173), (7, 9), (33, 1)])
@pytest.mark.parametrize("layers", [1, 3, 5])
def test_the_decoder_makes_what_the_encoder_takes(shape: tuple[int, int], layers: int):
    x = torch.randn(2, *shape)
    encoder = ConvEncoder(shape, 4, layers)
    decoder = ConvDecoder(encoder.size, shape, channels=4, layers=layers, kernel=7, hidden=8, depth=1)

    assert decoder(encoder(x)).shape == x.shape


@pytest.mark.parametrize(("gated", "residual"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_nearly_every_tap_of_every_kernel_learns(gated: int, residual: int):
    encoder = ConvEncoder((64, 80), 4, 5, gated=gated, residual=residual)

    encoder(torch.randn(8, 64, 80)).square().sum().backward()

    gradients = [module.weight.grad for module in encoder.modules() if isinstance(module, nn.Conv2d)]
    shares = [(gradient != 0).float().mean().item() for gradient in gradients if gradient is not None]
    assert len(shares) == len(gradients)
    assert min(shares) > 0.8  # the last layer sees a map of 4 x 5, its kernel has 7 x 7


def test_dilations_double_as_long_as_the_kernel_fits():
    assert dilations(ConvEncoder((256, 1024), 2, 5)) == [(1, 1), (2, 2), (4, 4), (5, 8), (2, 10)]


@pytest.mark.parametrize("size", [(32, 40), (13, 7), (1, 2)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (2, 3), (1, 4)])
def test_leaving_out_what_a_dilation_skips_changes_nothing(size: tuple[int, int], dilation: tuple[int, int]):
    convolution, x = Halve(3, 2, 7, dilation), torch.randn(2, 3, *size)
    padding = dilation[0] * 3, dilation[1] * 3

    plain = functional.conv2d(x, convolution.weight, None, 2, padding, dilation)

    assert torch.allclose(convolution(x), plain, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 40), (13, 7), (1, 2)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (2, 3), (1, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_filling_in_what_a_dilation_skips_changes_nothing(size: tuple[int, int], dilation: tuple[int, int], bias: bool):
    convolution = Double(3, 2, 7, dilation, size=size, bias=bias)
    x = torch.randn(2, 3, (size[0] + 1) // 2, (size[1] + 1) // 2)
    padding, odd = (dilation[0] * 3, dilation[1] * 3), (1 - size[0] % 2, 1 - size[1] % 2)

    plain = functional.conv_transpose2d(x, convolution.weight, convolution.bias, 2, padding, odd, 1, dilation)

    assert torch.allclose(convolution(x), plain, atol=1e-5)


def test_every_value_of_the_spectrogram_is_heard():
    encoder, x = ConvEncoder((64, 80), 4, 5).eval(), torch.randn(1, 64, 80, requires_grad=True)

    encoder(x).square().sum().backward()

    assert x.grad is not None
    assert (x.grad != 0).all()


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel=4, layers=2"):
        ConvEncoder((8, 8), 2, 2, 4)


def dilations(encoder: ConvEncoder) -> list[tuple[int, ...]]:
    """Returns how far apart the taps of every layer are, in values of what it is given."""
    found = [module for module in encoder.modules() if isinstance(module, Halve)]
    return [tuple(map(int.__mul__, module.steps, module.dilation)) for module in found]
