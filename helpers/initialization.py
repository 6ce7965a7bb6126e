"""The spread of a layer's parameters, what theory expects of it, and the signals that it makes.

A network here is any `nn.Module` whose parameters all belong to linear layers (`nn.Linear`) or to
activations (`nn.PReLU`).
"""

import warnings
from math import nan, sqrt

import torch
from torch import nn

from helpers import checks


class seeded:
    """Seed torch's CPU generator for the layers made inside `with`, then restore its state.

    The state comes back after an exception, too. `seed` is an integer from 0 to 2^64 - 1. Without
    `with` nothing is seeded, and a warning says so.
    """

    def __init__(self, seed):
        self.seed, self._state = checks.count("seed", seed, 0, 2**64 - 1), None

    def __enter__(self):
        self._state = torch.get_rng_state()
        torch.default_generator.manual_seed(self.seed)

    def __exit__(self, *error):
        torch.set_rng_state(self._state)

    def __del__(self):
        if getattr(self, "_state", "refused") is None:
            warnings.warn(f"seeded({self.seed}) seeds nothing without `with`", stacklevel=2)


def default_variance(fan_in):
    """The variance of the weights and of the biases of a new nn.Linear, 1 / (3 fan_in).

    torch draws both from the uniform distribution between -1 / sqrt(fan_in) and its opposite.
    `fan_in` is a positive integer or an array of them, and so for the other variances; the
    result has the same shape.
    """
    return 1 / (3 * _fan("fan_in", fan_in))


def xavier_variance(fan_in, fan_out, gain=1.0):
    """The variance that Glorot and Bengio propose, 2 gain^2 / (fan_in + fan_out).

    Source: Glorot and Bengio (2010), equation 12, where `gain` is 1; `gain` is a positive number.
    """
    fan_in, fan_out = _fan("fan_in", fan_in), _fan("fan_out", fan_out)
    checks.common_shape("fan_in, fan_out", fan_in, fan_out)
    return 2 * checks.number("gain", gain, positive=True) ** 2 / (fan_in + fan_out)


def he_variance(fan_in, gain=sqrt(2)):
    """The variance that He et al. propose, gain^2 / fan_in, with the gain of ReLU, sqrt(2).

    Source: He et al. (2015), equation 10; `gain` is a positive number. With `gain` 1 it is the
    variance of LeCun et al. (1998), section 4.6.
    """
    return checks.number("gain", gain, positive=True) ** 2 / _fan("fan_in", fan_in)


def spread(network):
    """Rows for a table: count, range and variance of the weights and biases of each linear layer.

    Weights (w) and biases (b) have columns of their own. The variance is the mean squared
    distance from the mean. A layer without biases has 0 of them, and nan in their other columns.
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
    of torch.nn.init; without it weights keep torch's default, and biases always do.
    """
    given = checks.count("widths", widths, single=False)
    good = given.ndim == 1 and len(given) > 1
    checks.require(good, "widths", "two or more positive integers", widths)
    layers, wanted = [], "a class like nn.ReLU, or a function that makes a layer"
    checks.require(not isinstance(activation, nn.Module), "activation", wanted, activation)
    for fan_in, fan_out in zip(given.tolist(), given.tolist()[1:], strict=False):
        linear = nn.Linear(fan_in, fan_out, bias=checks.kind("bias", bias))
        if initialize is not None:
            checks.called("initialize", "a function of weights", initialize, linear.weight)
        layer = checks.called("activation", wanted, activation)
        layers += [linear, checks.kind("activation", layer, nn.Module, wanted)]
    return nn.Sequential(*layers)


def forward_signal(network, inputs):
    """What enters each linear layer of a network in the order of use, then what leaves the network.

    `inputs` is an array or tensor of shape (n, features), converted to the precision of the
    weights. The result is a list of tensors of shape (n, width), one more than there are layers;
    a signal that overflows holds inf or nan.
    """
    return [signal.detach() for signal in _run(network, inputs)]


def backward_signal(network, inputs, at_output):
    """The gradient at each tensor of `forward_signal`, for a given gradient at the output.

    `at_output` has the shape of the network's output. The result is a list of tensors of the
    shapes of `forward_signal`; its last is `at_output`.
    """
    signals = _run(network, inputs)
    at_output = checks.tensor("at_output", at_output).to(signals[-1])
    shape, got = tuple(signals[-1].shape), tuple(at_output.shape)
    checks.require(got == shape, "at_output", f"the shape of the output, {shape}", got)
    return list(torch.autograd.grad(signals[-1], signals, at_output))


def mean_square(signal):
    """The mean square of a signal, a tensor of any shape, as a float computed in float64."""
    return (_signal(signal) ** 2).mean().item()


def variance_across_inputs(signal):
    """How differently a network answers to its inputs: the variance over them, averaged over units.

    `signal` is a tensor of shape (n, width), one row for each input; the result is a float
    computed in float64, 0 where all inputs get the same answer.
    """
    checks.require(_signal(signal).ndim == 2, "signal", "shape (n, width)", tuple(signal.shape))
    return _signal(signal).var(dim=0, correction=0).mean().item()


def _run(network, inputs):
    layers = _linear_layers(network)
    inputs = checks.tensor("inputs", inputs)
    shape = tuple(inputs.shape)
    checks.require(len(shape) == 2 and shape[0], "inputs", "shape (n, features)", shape)
    inputs = inputs.to(layers[0].weight).detach().clone().requires_grad_()
    signals = []

    def remember(layer, arguments):
        (signal,) = arguments
        good, wanted = signals or signal.shape[-1] == layer.in_features, layer.in_features
        checks.require(good, "inputs", f"{wanted} features", signal.shape[-1])
        signals.append(signal)

    handles = [layer.register_forward_pre_hook(remember) for layer in layers]
    try:
        output = checks.called("network", "one that takes these inputs", network, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [*signals, checks.kind("network", output, torch.Tensor, "one that returns a tensor")]


def _linear_layers(network):
    checks.kind("network", network, nn.Module, "a torch.nn.Module")
    layers = []
    for name, module in network.named_modules():
        lazy = isinstance(module, nn.modules.lazy.LazyModuleMixin)
        checks.require(not lazy, "network", "layers of known size", module)
        if isinstance(module, nn.Linear):
            layers.append(module)
        elif not isinstance(module, nn.PReLU) and list(module.parameters(recurse=False)):
            wanted = "no parameters but those of linear layers and activations"
            raise ValueError(f"network: expected {wanted}, got {type(module).__name__} at '{name}'")
    checks.require(layers, "network", "one or more linear layers, got none", network)
    return layers


def _spread(name, symbol, parameter):
    count = 0 if parameter is None else parameter.numel()
    values = parameter.detach().double() if count else torch.tensor([nan])
    measures = {"min": values.min(), "max": values.max(), "variance": values.var(correction=0)}
    return {name: count} | {f"{symbol} {key}": value.item() for key, value in measures.items()}


def _signal(signal):
    filled = checks.kind("signal", signal, torch.Tensor, "a tensor").numel()
    checks.require(filled, "signal", "one number or more", signal)
    return checks.tensor("signal", signal, finite=False).detach().double()


def _fan(name, fan):
    # In float64, where large fans do not overflow as they would in a small integer's type.
    return checks.count(name, fan, single=False).astype(float)[()]
