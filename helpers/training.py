"""Many networks trained at once: stacked into batched matrix products, each as if it were alone."""

import numpy as np
import torch
from torch import nn, optim

from helpers import checks


def train_together(networks, batches, loss, optimizer, rates):
    """Train each network at each learning rate, all at once; its losses, and nothing is changed.

    `networks` are nn.Sequentials of one shape, of linear layers and of activations without
    parameters. `batches` holds a pair (inputs, targets) of tensors for each step, inputs of shape
    (n, features). `loss` is a function of answers of shape (count, n, outputs) and of targets, and
    returns a loss for each of the count networks. `optimizer` is a class of torch.optim, or a
    partial of one, that treats each number by itself, as SGD and Adam do. `rates` are positive
    numbers. The result has the shape (steps, networks, rates): the loss before each step.
    """
    networks, rates, batches = _networks(networks), _rates(rates), _batches(batches)
    together = torch.cat([_numbers(network) for network in networks]).repeat(len(rates), 1)
    stepper = _stepper(optimizer, together, rates)
    parameters = _parts(networks[0], together)
    _require_the_same(networks, parameters, batches[0][0])
    losses = []
    for inputs, targets in batches:
        answers = _answers(networks[0], parameters, inputs)
        values = checks.called("loss", "a function of answers and targets", loss, answers, targets)
        good = isinstance(values, torch.Tensor) and values.shape == (len(answers),)
        good = good and values.requires_grad
        checks.require(good, "loss", f"a tensor of shape ({len(answers)},), by torch", values)
        gradients = torch.autograd.grad(values.sum(), parameters)
        torch.cat([part.flatten(1) for part in gradients], dim=1, out=together.grad)
        stepper.step()
        losses.append(values.detach())
    return torch.stack(losses).view(-1, len(rates), len(networks)).mT


def _answers(network, parameters, inputs):
    """What all networks answer to the same inputs: a linear layer is a batched product."""
    signal, left = inputs.expand(len(parameters[0]), *inputs.shape), iter(parameters)
    for part in network:
        if not isinstance(part, nn.Linear):
            signal = part(signal)
        elif part.bias is None:
            signal = torch.bmm(signal, next(left).mT)
        else:
            weight, bias = next(left), next(left)
            signal = torch.baddbmm(bias[:, None], signal, weight.mT)
    return signal


def _numbers(network):
    """All parameters of a network in one row."""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])[None]


def _parts(network, together):
    """The parameters of all networks as views of the rows of numbers."""
    parts, begin = [], 0
    for parameter in network.parameters():
        columns = slice(begin, begin := begin + parameter.numel())
        parts.append(together[:, columns].unflatten(1, parameter.shape).requires_grad_())
    return parts


def _stepper(optimizer, together, rates):
    """The optimizer of the rows of numbers, one group of networks for each rate."""
    together.grad, groups = torch.zeros_like(together), []
    whole = zip(together.chunk(len(rates)), together.grad.chunk(len(rates)), strict=True)
    for rate, (numbers, gradient) in zip(rates.tolist(), whole, strict=True):
        numbers.grad = gradient
        groups.append({"params": [numbers], "lr": rate})
    made, wanted = getattr(optimizer, "func", optimizer), "a class of torch.optim, not LBFGS"
    good = isinstance(made, type) and issubclass(made, optim.Optimizer) and made != optim.LBFGS
    checks.require(good, "optimizer", wanted, optimizer)
    return checks.called("optimizer", wanted, optimizer, groups)


def _require_the_same(networks, parameters, inputs):
    wanted = "linear layers of one shape, each activation working on each number by itself"
    with torch.no_grad():
        alone = [checks.called("networks", wanted, network, inputs) for network in networks]
        together = checks.called("networks", wanted, _answers, networks[0], parameters, inputs)
    alone = torch.stack(alone)
    close = together.shape[1:] == alone.shape[1:]
    close = close and torch.allclose(
        together[: len(alone)], alone, rtol=1e-3, atol=1e-5, equal_nan=True
    )
    checks.require(close, "networks", wanted, networks[0])


def _networks(networks):
    networks = list(networks) if isinstance(networks, list | tuple) else []
    good = networks and all(isinstance(network, nn.Sequential) for network in networks)
    checks.require(good, "networks", "a list of one nn.Sequential or more", networks)
    for network in networks:
        kept = [part for part in network if not isinstance(part, nn.Linear)]
        strange = [part for part in kept if list(part.parameters())]
        checks.require(not strange, "networks", "parameters in linear layers only", strange)
        shapes = [tuple(parameter.shape) for parameter in network.parameters()]
        first = [tuple(parameter.shape) for parameter in networks[0].parameters()]
        checks.require(shapes and shapes == first, "networks", f"one shape, {first}", shapes)
    return networks


def _rates(rates):
    given = checks.array("rates", rates)
    good = given.ndim == 1 and given.size and (given > 0).all()
    checks.require(good, "rates", "one positive number or more", rates)
    return np.asarray(given)


def _batches(batches):
    wanted = "a list of pairs of tensors (inputs, targets), inputs of shape (n, features)"
    good = isinstance(batches, list | tuple) and len(batches)
    good = good and all(isinstance(b, list | tuple) and len(b) == 2 for b in batches)
    good = good and all(isinstance(t, torch.Tensor) for batch in batches for t in batch)
    good = good and all(inputs.ndim == 2 and len(inputs) for inputs, _ in batches)
    checks.require(good, "batches", wanted, batches)
    return batches
