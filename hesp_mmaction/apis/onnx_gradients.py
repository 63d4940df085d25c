"""The gradient of the activation map, as forward steps that ONNX has.

The activation map takes a gradient inside the forward pass. A trace turns it into ordinary steps.
ONNX lacks three of them, which are written here by other steps. ``DECOMPOSITIONS`` hands them to
the tracer.
"""
import torch
from torch.nn.functional import pad

aten = torch.ops.aten


def convolution_backward(gradient, x, weight, bias_sizes, stride, padding, dilation, transposed,
                         output_padding, groups, wanted):
    """The gradient of a convolution with respect to its input, as a transposed convolution.

    The parameters are those of ``torch.ops.aten.convolution_backward``.

    Args:
        gradient (Tensor): (N, O, i, j), with respect to the output.
        x (Tensor): the input (N, C, h, w).
        weight (Tensor): (O, C / groups, k, l).
        bias_sizes (list[int] | None): not used.
        stride (list[int]): two numbers.
        padding (list[int]): two numbers.
        dilation (list[int]): two numbers.
        transposed (bool): must be False.
        output_padding (list[int]): not used.
        groups (int): groups of channels.
        wanted (list[bool]): which gradients are wanted: of the input, the weight and the bias.

    Returns:
        tuple: the gradient (N, C, h, w), None and None.

    Raises:
        NotImplementedError: a transposed convolution, or a gradient of the weight or the bias is
            wanted.
    """
    if transposed or wanted[1] or wanted[2]:
        raise NotImplementedError('only the gradient of a plain convolution to its input')
    left = [size - ((out - 1) * step - 2 * before + gap * (side - 1) + 1)
            for size, out, step, before, gap, side in zip(
                x.shape[2:], gradient.shape[2:], stride, padding, dilation, weight.shape[2:],
                strict=True)]
    x = aten.convolution(gradient, weight, None, stride, padding, dilation, True, left, groups)
    return x, None, None


def avg_pool2d_backward(gradient, x, kernel, stride, padding, ceil_mode, count_include_pad,
                        divisor):
    """The gradient of a mean over neighbouring blocks of k x l places with respect to its input.

    The parameters are those of ``torch.ops.aten.avg_pool2d_backward``.

    Args:
        gradient (Tensor): (N, C, i, j), with respect to the output.
        x (Tensor): the input (N, C, h, w).
        kernel (list[int]): k and l.
        stride (list[int]): k and l, or empty.
        padding (list[int]): must be 0.
        ceil_mode (bool): must be False.
        count_include_pad (bool): not used.
        divisor (int | None): must be None.

    Returns:
        Tensor: (N, C, h, w).

    Raises:
        NotImplementedError: another stride, padding, mode or divisor.
    """
    if (stride and list(stride) != list(kernel)) or any(padding) or ceil_mode or divisor:
        raise NotImplementedError('only the gradient of a pooling whose stride is its kernel')
    (k, m), (height, width) = kernel, x.shape[2:]
    each = (gradient / (k * m)).repeat_interleave(k, 2).repeat_interleave(m, 3)
    return pad(each, (0, width - each.shape[3], 0, height - each.shape[2]))


def silu_backward(gradient, x):
    """The gradient of x sigmoid(x) with respect to x.

    Args:
        gradient (Tensor): any shape, the gradient of the result.
        x (Tensor): the same shape.

    Returns:
        Tensor: the same shape.
    """
    gate = x.sigmoid()
    return gradient * gate * (1 + x * (1 - gate))


DECOMPOSITIONS = {aten.silu_backward.default: silu_backward,
                  aten.convolution_backward.default: convolution_backward,
                  aten.avg_pool2d_backward.default: avg_pool2d_backward}
