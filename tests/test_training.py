"""Networks that are trained at once, against each of them trained alone by torch."""

from copy import deepcopy
from functools import partial

import pytest
import torch
from torch import nn, optim

from helpers.initialization import seeded, stack
from helpers.training import train_together

RATES = [0.003, 0.05]
OPTIMIZERS = {
    "SGD": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "fused momentum": partial(optim.SGD, momentum=0.9, fused=True),
    "Adam": optim.Adam,
    "fused Adam": partial(optim.Adam, fused=True),
    "RMSprop": optim.RMSprop,
    "decay": partial(optim.AdamW, weight_decay=0.1),
}


def squared(answers, targets):
    return ((answers - targets) ** 2).mean(dim=(1, 2))


def surprise(answers, targets):
    return -answers.log_softmax(dim=-1)[:, torch.arange(len(targets)), targets].mean(dim=1)


def networks(activation=nn.ReLU, bias=True, count=3, outputs=2):
    with seeded(0):
        return [
            nn.Sequential(*stack([4, 5, 5], activation, bias=bias), nn.Linear(5, outputs)).double()
            for _ in range(count)
        ]


def batches(steps=12, targets=None):
    with seeded(1):
        drawn = [(torch.randn(7, 4).double(), torch.randn(7, 2).double()) for _ in range(steps)]
    return drawn if targets is None else [(inputs, targets) for inputs, _ in drawn]


def alone(network, data, loss, optimizer, rate):
    network, losses = deepcopy(network), []
    stepper = optimizer(network.parameters(), lr=rate)
    for inputs, targets in data:
        value = loss(network(inputs), targets)
        stepper.zero_grad()
        value.backward()
        stepper.step()
        losses.append(value.item())
    return torch.tensor(losses, dtype=torch.float64)


def same(together, nets, data, loss, optimizer):
    for number, network in enumerate(nets):
        for column, rate in enumerate(RATES):
            expected = alone(network, data, loss, optimizer, rate)
            torch.testing.assert_close(together[:, number, column], expected)
    return True


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stacked_networks_answer_and_train_as_they_do_alone(name):
    nets, data, optimizer = networks(), batches(), OPTIMIZERS[name]
    losses = train_together(nets, data, squared, optimizer, RATES)
    assert losses.shape == (12, 3, 2)
    assert same(losses, nets, data, nn.functional.mse_loss, optimizer)


@pytest.mark.parametrize(
    "activation", [nn.Tanh, nn.Identity, partial(nn.LayerNorm, 5, elementwise_affine=False)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_other_activations_and_layers_without_biases_train_as_they_do_alone(activation, bias):
    nets, data = networks(activation, bias), batches()
    losses = train_together(nets, data, squared, optim.SGD, RATES)
    assert same(losses, nets, data, nn.functional.mse_loss, optim.SGD)


def test_a_loss_of_classes_trains_as_it_does_alone():
    nets, data = networks(), batches(targets=torch.tensor([0, 1, 1, 0, 1, 0, 0]))
    losses = train_together(nets, data, surprise, optim.Adam, RATES)
    assert same(losses, nets, data, nn.functional.cross_entropy, optim.Adam)


def test_a_network_that_explodes_leaves_the_others_alone():
    nets, data = networks(), batches()
    _ = nn.init.constant_(nets[1][0].weight, 1e200)
    losses = train_together(nets, data, squared, optim.SGD, RATES)
    assert not losses[:, 1].isfinite().all()
    quiet = train_together(nets[::2], data, squared, optim.SGD, RATES)
    torch.testing.assert_close(losses[:, ::2], quiet)


def test_training_leaves_the_networks_as_they_were():
    nets = networks()
    before = [parameter.clone() for network in nets for parameter in network.parameters()]
    train_together(nets, batches(), squared, optim.SGD, RATES)
    after = [parameter for network in nets for parameter in network.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in after)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"networks": [nn.Sequential(nn.Linear(4, 2)), nn.Sequential(nn.Linear(4, 3))]}, "shape"),
        ({"networks": [nn.Sequential(nn.Linear(4, 2), nn.PReLU())]}, "linear layers only"),
        ({"networks": [nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=0))]}, "by itself"),
        ({"networks": [nn.Sequential(nn.ReLU())]}, "shape"),
        ({"batches": batches(0)}, "pairs of tensors"),
        ({"batches": [(torch.ones(4), torch.ones(2))]}, "pairs of tensors"),
        ({"loss": lambda answers, targets: (answers - targets).mean()}, "a tensor of shape"),
        ({"loss": lambda answers, targets: torch.ones(len(answers))}, "a tensor of shape"),
        ({"optimizer": optim.LBFGS}, "a class of torch.optim, not LBFGS"),
        ({"rates": [0.1, 0]}, "positive"),
    ],
)
def test_what_cannot_be_trained_at_once_is_refused_by_name(wrong, message):
    given = {"networks": networks(), "batches": batches(), "loss": squared}
    given |= {"optimizer": optim.SGD, "rates": RATES} | wrong
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(wrong))}: .*({message})"):
        train_together(**given)
