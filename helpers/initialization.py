"""The spread of a layer's parameters, what theory expects of it, and the signals that it makes.

A network here is any `nn.Module` whose parameters all belong to linear layers (`nn.Linear`) or to
activations (`nn.PReLU`).
"""

from contextlib import contextmanager
from math import nan, sqrt

import numpy as np
import torch
from torch import nn


@contextmanager
def seeded(seed):
    """Seed torch's CPU generator for the layers made inside `with`, then restore its state.

    The state comes back after an exception, too. Raises ValueError unless `seed` is an integer
    from 0 to 2^64 - 1.
    """
    integer = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not integer or not 0 <= seed < 2**64:
        raise ValueError(f"seed: expected an integer from 0 to 2^64 - 1, got {seed!r}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(seed))
        yield


def default_variance(fan_in):
    """The variance of the weights and of the biases of a new nn.Linear, 1 / (3 fan_in).

    torch draws both from the uniform distribution between -1 / sqrt(fan_in) and its opposite.
    `fan_in` is a positive integer or an array of them, and so for the other variances; the
    result has the same shape. Raises ValueError for anything else.
    """
    return 1 / (3 * _fan("fan_in", fan_in))


def xavier_variance(fan_in, fan_out, gain=1.0):
    """The variance that Glorot and Bengio propose, 2 gain^2 / (fan_in + fan_out).

    Source: Glorot and Bengio (2010), equation 12, where `gain` is 1; `gain` is a positive number.
    """
    return 2 * _gain(gain) ** 2 / (_fan("fan_in", fan_in) + _fan("fan_out", fan_out))


def he_variance(fan_in, gain=sqrt(2)):
    """The variance that He et al. propose, gain^2 / fan_in, with the gain of ReLU, sqrt(2).

    Source: He et al. (2015), equation 10; `gain` is a positive number. With `gain` 1 it is the
    variance of LeCun et al. (1998), section 4.6.
    """
    return _gain(gain) ** 2 / _fan("fan_in", fan_in)


def spread(network):
    """Rows for a table: count, range and variance of the weights and biases of each linear layer.

    Weights (w) and biases (b) have columns of their own. The variance is the mean squared
    distance from the mean. A layer without biases has 0 of them, and nan in their other columns.
    Raises TypeError or ValueError for a network with other parameters or without a linear layer.
    """
    return [
        {"fan_in": layer.in_features, "fan_out": layer.out_features}
        | _spread("weights", "w", layer.weight)
        | _spread("biases", "b", layer.bias)
        for layer in _linear_layers(network)
    ]


def stack(widths, activation, initialize=None, bias=True):
    """A network of linear layers, each followed by an activation.

    `widths` holds the numbers of units from the input to the output. `activation` makes a layer,
    like nn.ReLU. `initialize` is called with the weights of each linear layer, like the functions
    of torch.nn.init; without it weights keep torch's default, and biases always do. Raises
    ValueError for fewer than two widths or one that is not a positive integer.
    """
    widths = [int(_fan("widths", width)) for width in widths]
    if len(widths) < 2:
        raise ValueError(f"widths: expected two or more positive integers, got {widths}")
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        linear = nn.Linear(fan_in, fan_out, bias=bias)
        if initialize is not None:
            initialize(linear.weight)
        layers += [linear, activation()]
    return nn.Sequential(*layers)


def forward_signal(network, inputs):
    """What enters each linear layer of a network in the order of use, then what leaves the network.

    `inputs` is an array or tensor of shape (n, features), converted to the precision of the
    weights. The result is a list of tensors of shape (n, width), one more than there are layers;
    a signal that overflows holds inf or nan.

    Raises TypeError or ValueError for a network with other parameters or without a linear layer,
    and for inputs of a wrong kind, shape or value.
    """
    return [signal.detach() for signal in _run(network, inputs)]


def backward_signal(network, inputs, at_output):
    """The gradient at each tensor of `forward_signal`, for a given gradient at the output.

    `at_output` has the shape of the network's output. The result is a list of tensors of the
    shapes of `forward_signal`; its last is `at_output`. Raises what `forward_signal` raises, and
    ValueError for a gradient of another shape or one that is not finite.
    """
    signals = _run(network, inputs)
    at_output = _floats("at_output", at_output).to(signals[-1])
    if at_output.shape != signals[-1].shape:
        expected, got = tuple(signals[-1].shape), tuple(at_output.shape)
        raise ValueError(f"at_output: expected the shape of the output, {expected}, got {got}")
    return list(torch.autograd.grad(signals[-1], signals, at_output))


def mean_square(signal):
    """The mean square of a signal, a tensor of any shape, as a float computed in float64.

    Raises TypeError unless the signal is a tensor.
    """
    return (_tensor(signal) ** 2).mean().item()


def variance_across_inputs(signal):
    """How differently a network answers to its inputs: the variance over them, averaged over units.

    `signal` is a tensor of shape (n, width), one row for each input; the result is a float
    computed in float64, 0 where all inputs get the same answer. Raises TypeError unless the
    signal is a tensor and ValueError for another shape.
    """
    if _tensor(signal).ndim != 2:
        raise ValueError(f"signal: expected shape (n, width), got {tuple(signal.shape)}")
    return _tensor(signal).var(dim=0, correction=0).mean().item()


def _run(network, inputs):
    layers = _linear_layers(network)
    inputs = _floats("inputs", inputs)
    if inputs.ndim != 2 or not inputs.numel():
        raise ValueError(f"inputs: expected shape (n, features), got {tuple(inputs.shape)}")
    inputs = inputs.to(layers[0].weight).detach().clone().requires_grad_()
    signals = []

    def remember(layer, arguments):
        (signal,) = arguments
        if not signals and signal.shape[-1] != layer.in_features:
            message = f"expected {layer.in_features} features, got {signal.shape[-1]}"
            raise ValueError(f"inputs: {message}")
        signals.append(signal)

    handles = [layer.register_forward_pre_hook(remember) for layer in layers]
    try:
        output = network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [*signals, output]


def _linear_layers(network):
    if not isinstance(network, nn.Module):
        raise TypeError(f"network: expected a torch.nn.Module, got {type(network).__name__}")
    layers = []
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.lazy.LazyModuleMixin):
            raise ValueError(f"network: expected layers of known size, got {module} at '{name}'")
        if isinstance(module, nn.Linear):
            layers.append(module)
        elif not isinstance(module, nn.PReLU) and list(module.parameters(recurse=False)):
            kind = type(module).__name__
            message = f"expected only linear layers and activations, got {kind} at '{name}'"
            raise ValueError(f"network: {message}, which has parameters of its own")
    if not layers:
        raise ValueError("network: expected one or more linear layers, got none")
    return layers


def _spread(name, symbol, parameter):
    if parameter is None:
        count, low, high, variance = 0, nan, nan, nan
    else:
        values = parameter.detach().double()
        count, low, high = values.numel(), values.min().item(), values.max().item()
        variance = values.var(correction=0).item()
    measures = {"min": low, "max": high, "variance": variance}
    return {name: count} | {f"{symbol} {key}": value for key, value in measures.items()}


def _floats(name, values):
    try:
        values = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name}: expected an array or tensor of numbers, got {error}") from None
    if not values.is_floating_point():
        raise TypeError(f"{name}: expected floating-point numbers, got {values.dtype}")
    if not values.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got nan or inf")
    return values


def _tensor(signal):
    if not isinstance(signal, torch.Tensor):
        raise TypeError(f"signal: expected a tensor, got {type(signal).__name__}")
    return signal.detach().double()


def _fan(name, fan):
    values = np.asarray(fan)
    if values.dtype.kind not in "iu" or not (values > 0).all():
        raise ValueError(f"{name}: expected a positive integer, got {fan!r}")
    return values.item() if values.ndim == 0 else values


def _gain(gain):
    if isinstance(gain, bool) or not isinstance(gain, int | float | np.number):
        raise TypeError(f"gain: expected a positive number, got {gain!r}")
    if not 0 < gain < np.inf:
        raise ValueError(f"gain: expected a positive number, got {gain!r}")
    return gain
