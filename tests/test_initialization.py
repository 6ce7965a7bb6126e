"""Theory against sampling, torch.nn.init as oracle, and what the measurements refuse."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from helpers.initialization import (
    backward_signal,
    default_variance,
    forward_signal,
    he_variance,
    mean_square,
    seeded,
    spread,
    stack,
    variance_across_inputs,
    xavier_variance,
)

FANS = st.integers(1, 400)
GAINS = st.floats(0.1, 10)
SAMPLES = 4_000
NOT_A_FAN = [0, -3, 2.0, math.nan, math.inf, "10", None, True, np.array([3, 0])]


def he_normal(weight):
    return nn.init.kaiming_normal_(weight, nonlinearity="relu")


def sampled_variance(initialize, fan_in, fan_out):
    """The variance of many draws of a matrix of weights, and its standard error relative to it.

    The error is that of a normal draw, whose fourth moment is larger than that of a uniform one.
    """
    copies = -(-SAMPLES // (fan_in * fan_out))
    with seeded(0):
        draws = [initialize(torch.empty(fan_out, fan_in)).double() for _ in range(copies)]
    values = torch.cat([draw.flatten() for draw in draws])
    return values.var(correction=0).item(), math.sqrt(2 / len(values))


def agree(sample, theory):
    variance, error = sample
    return abs(variance / theory - 1) < 5 * error


# The spread of parameters


@given(FANS, FANS)
def test_the_default_variance_is_that_of_new_layers(fan_in, fan_out):
    def weights(empty):
        return nn.Linear(*reversed(empty.shape)).weight.detach()

    assert agree(sampled_variance(weights, fan_in, fan_out), default_variance(fan_in))


@given(FANS, FANS, GAINS, st.sampled_from([nn.init.xavier_normal_, nn.init.xavier_uniform_]))
def test_xavier_variance_is_that_of_torch(fan_in, fan_out, gain, draw):
    sample = sampled_variance(lambda weight: draw(weight, gain=gain), fan_in, fan_out)
    assert agree(sample, xavier_variance(fan_in, fan_out, gain))


@given(
    FANS,
    FANS,
    st.floats(0, 5),
    st.sampled_from([nn.init.kaiming_normal_, nn.init.kaiming_uniform_]),
)
def test_he_variance_is_that_of_torch(fan_in, fan_out, slope, draw):
    sample = sampled_variance(lambda weight: draw(weight, a=slope), fan_in, fan_out)
    assert agree(sample, he_variance(fan_in, nn.init.calculate_gain("leaky_relu", slope)))


@given(FANS, FANS, GAINS)
def test_variances_grow_with_the_square_of_the_gain(fan_in, fan_out, gain):
    assert he_variance(fan_in, gain) == pytest.approx(gain**2 / fan_in)
    assert xavier_variance(fan_in, fan_out, gain) == pytest.approx(
        gain**2 * xavier_variance(fan_in, fan_out)
    )


def test_the_default_is_a_sixth_of_he():
    assert he_variance(100) == pytest.approx(6 * default_variance(100))


def test_variances_of_an_array_of_fans_are_those_of_each():
    fans = np.array([1, 10, 100])
    np.testing.assert_allclose(he_variance(fans), [he_variance(int(fan)) for fan in fans])
    np.testing.assert_allclose(
        xavier_variance(fans, 7), [xavier_variance(n, 7) for n in (1, 10, 100)]
    )
    np.testing.assert_allclose(default_variance(fans), 1 / (3 * fans))


@pytest.mark.parametrize("fan", NOT_A_FAN)
def test_a_fan_that_is_not_a_positive_integer_is_refused_by_name(fan):
    for variance in (default_variance, he_variance, lambda fan: xavier_variance(fan, 3)):
        with pytest.raises(ValueError, match="fan_in: expected a positive integer"):
            variance(fan)
    with pytest.raises(ValueError, match="fan_out: expected a positive integer"):
        xavier_variance(3, fan)


@pytest.mark.parametrize("gain", [0, -1.0, math.nan, math.inf, "relu", None, True])
def test_a_gain_that_is_not_a_positive_number_is_refused_by_name(gain):
    for variance in (lambda gain: he_variance(3, gain), lambda gain: xavier_variance(3, 4, gain)):
        with pytest.raises((TypeError, ValueError), match="gain: expected a positive number"):
            variance(gain)


def test_the_spread_has_one_row_for_each_linear_layer_and_keeps_weights_and_biases_apart():
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 2), nn.Tanh()))
    nn.init.constant_(network[0].weight, 7.0)
    first, second = spread(network)
    assert (first["fan_in"], first["fan_out"]) == (3, 5)
    assert (first["weights"], first["biases"]) == (15, 5)
    assert first["w min"] == first["w max"] == 7
    assert first["w variance"] == 0
    bias = network[0].bias.detach().numpy().astype(float)
    assert first["b variance"] == pytest.approx(bias.var())
    assert (first["b min"], first["b max"]) == (bias.min(), bias.max())
    assert (second["fan_in"], second["fan_out"], second["weights"]) == (5, 2, 10)


def test_a_layer_without_biases_has_none_in_its_spread():
    (row,) = spread(nn.Linear(3, 5, bias=False))
    assert row["biases"] == 0
    assert math.isnan(row["b variance"])


# Seeding


def test_seeded_draws_are_repeatable_and_differ_between_seeds():
    def draw(seed):
        with seeded(seed):
            return torch.randn(5)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_the_generator_is_restored_after_seeding():
    before = torch.get_rng_state()
    with seeded(0):
        torch.randn(5)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_generator_is_restored_after_an_exception():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(0):
        torch.randn(5)
        _ = 1 / 0
    assert torch.equal(torch.get_rng_state(), before)


def test_seeding_may_be_nested():
    with seeded(0):
        torch.randn(3)
        expected = torch.randn(3)
    with seeded(0):
        torch.randn(3)
        with seeded(1):
            torch.randn(3)
        assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize("seed", [-1, 0.5, math.nan, None, "0", True, 2**64])
def test_a_seed_that_is_not_an_integer_in_range_is_refused_by_name(seed):
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="seed: expected an integer"), seeded(seed):
        pass
    assert torch.equal(torch.get_rng_state(), before)


# Signals


class Functional(nn.Module):
    """A network whose activations are functions, whose layers are made in another order."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)
        self.first = nn.Linear(3, 4)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def test_the_forward_signal_is_what_each_layer_gets_and_the_output():
    network, inputs = stack([3, 4, 2], nn.Tanh), torch.randn(6, 3)
    signals = forward_signal(network, inputs)
    assert [tuple(signal.shape) for signal in signals] == [(6, 3), (6, 4), (6, 2)]
    torch.testing.assert_close(signals[0], inputs)
    torch.testing.assert_close(signals[1], network[:2](inputs).detach())
    torch.testing.assert_close(signals[2], network(inputs).detach())
    assert not any(signal.requires_grad for signal in signals)


def test_the_signal_follows_the_order_of_use_and_sees_activations_that_are_functions():
    network, inputs = Functional(), torch.randn(6, 3)
    signals = forward_signal(network, inputs)
    torch.testing.assert_close(signals[1], torch.relu(network.first(inputs)).detach())
    torch.testing.assert_close(signals[2], network(inputs).detach())


def test_the_backward_signal_is_the_gradient_at_each_forward_signal():
    network = stack([3, 4, 2], nn.Tanh).double()
    inputs, at_output = torch.randn(6, 3).double(), torch.randn(6, 2).double()
    hidden = network[:2](inputs).detach().requires_grad_()
    leaf = inputs.clone().requires_grad_()
    (network[2:](hidden) * at_output).sum().backward()
    (network(leaf) * at_output).sum().backward()
    gradients = backward_signal(network, inputs, at_output)
    for gradient, expected in zip(gradients, (leaf.grad, hidden.grad, at_output), strict=True):
        torch.testing.assert_close(gradient, expected)


def test_measuring_a_signal_leaves_the_network_as_it_was():
    network = stack([3, 4, 2], nn.ReLU)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    forward_signal(network, torch.randn(6, 3))
    backward_signal(network, torch.randn(6, 3), torch.randn(6, 2))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())


@given(st.integers(20, 200), st.floats(-3, 3), st.floats(0.5, 2))
def test_one_layer_multiplies_the_mean_square_by_fan_in_times_variance(fan_in, shift, gain):
    with seeded(0):
        network = stack(
            [fan_in, 5_000],
            nn.Identity,
            lambda w: nn.init.normal_(w, std=gain / fan_in**0.5),
            False,
        )
        inputs = shift + torch.randn(4, fan_in)
    signals = forward_signal(network, inputs)
    assert mean_square(signals[1]) / mean_square(signals[0]) == pytest.approx(gain**2, rel=0.1)


def test_he_keeps_the_mean_square_of_a_wide_relu_network_forward_and_backward():
    with seeded(0):
        network = stack([1000] * 4, nn.ReLU, he_normal, bias=False)
        inputs, at_output = torch.randn(100, 1000), torch.randn(100, 1000)
    for signals in (forward_signal(network, inputs), backward_signal(network, inputs, at_output)):
        assert [mean_square(signal) for signal in signals] == pytest.approx([1] * 4, rel=0.15)


def test_a_signal_that_overflows_is_a_result():
    with seeded(0):
        network, inputs = stack([50] * 61, nn.ReLU, nn.init.normal_), torch.randn(10, 50)
    assert not math.isfinite(mean_square(forward_signal(network, inputs)[-1]))


def test_inputs_take_the_precision_of_the_network():
    inputs = np.ones((2, 3))
    assert forward_signal(stack([3, 2], nn.ReLU), inputs)[0].dtype == torch.float32
    assert forward_signal(stack([3, 2], nn.ReLU).double(), inputs)[0].dtype == torch.float64


def test_normalization_without_parameters_and_prelu_are_let_through():
    parts = (
        nn.Linear(3, 4),
        nn.LayerNorm(4, elementwise_affine=False),
        nn.PReLU(),
        nn.Linear(4, 2),
    )
    assert len(forward_signal(nn.Sequential(*parts), torch.randn(5, 3))) == 3


def test_the_variance_across_inputs_does_not_see_the_mean():
    signal = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
    assert variance_across_inputs(signal) == 0.5
    assert variance_across_inputs(signal[:1]) == 0
    assert mean_square(signal) == (1 + 9 + 100 + 100) / 4


def test_a_stack_has_the_widths_the_activation_and_the_biases_asked_for():
    network = stack([3, 5, 2], nn.Tanh, nn.init.zeros_, bias=False)
    assert [type(part) for part in network] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh]
    assert [tuple(part.weight.shape) for part in network[::2]] == [(5, 3), (2, 5)]
    assert all(part.bias is None and not part.weight.any() for part in network[::2])


# What is refused


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.Conv1d(3, 3, 1)), "Conv1d at '1'"),
        (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), "BatchNorm1d at '1'"),
        (nn.Bilinear(3, 3, 3), "Bilinear at ''"),
        (nn.Sequential(nn.LazyLinear(3)), "known size"),
        (nn.Sequential(nn.ReLU()), "got none"),
    ],
)
def test_a_network_with_other_parameters_or_no_linear_layer_is_refused_by_name(network, message):
    for measure in (spread, lambda network: forward_signal(network, torch.ones(2, 3))):
        with pytest.raises(ValueError, match=f"network: .*{message}"):
            measure(network)


@pytest.mark.parametrize("network", [None, torch.relu, nn.Linear])
def test_what_is_not_a_module_is_refused_by_name(network):
    with pytest.raises(TypeError, match="network: expected a torch.nn.Module"):
        spread(network)


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        (torch.full((2, 3), math.nan), ValueError),
        (torch.full((2, 3), math.inf), ValueError),
        (torch.ones(3), ValueError),
        (torch.ones(0, 3), ValueError),
        (torch.ones(2, 4), ValueError),
        (torch.ones(2, 3, dtype=torch.bool), TypeError),
        ("signal", TypeError),
        (None, TypeError),
    ],
)
def test_inputs_of_a_wrong_kind_shape_or_value_are_refused_by_name(inputs, error):
    network = stack([3, 2], nn.ReLU)
    for call in (
        lambda: forward_signal(network, inputs),
        lambda: backward_signal(network, inputs, torch.ones(2, 2)),
    ):
        with pytest.raises(error, match="inputs: expected"):
            call()
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("at_output", [torch.ones(2, 3), torch.full((2, 2), math.nan), None])
def test_a_gradient_of_a_wrong_shape_or_value_is_refused_by_name(at_output):
    with pytest.raises((TypeError, ValueError), match="at_output: expected"):
        backward_signal(stack([3, 2], nn.ReLU), torch.ones(2, 3), at_output)


@pytest.mark.parametrize("widths", [[], [3], [3, 0], [3, 2.5], [3, math.nan]])
def test_widths_that_make_no_layer_are_refused_by_name(widths):
    with pytest.raises(ValueError, match="widths: expected"):
        stack(widths, nn.ReLU)


@pytest.mark.parametrize("signal", [[1.0], None, np.ones((2, 2))])
def test_a_signal_that_is_no_tensor_is_refused_by_name(signal):
    for measure in (mean_square, variance_across_inputs):
        with pytest.raises(TypeError, match="signal: expected a tensor"):
            measure(signal)


def test_a_signal_of_another_shape_has_no_variance_across_inputs():
    with pytest.raises(ValueError, match="signal: expected shape"):
        variance_across_inputs(torch.ones(3))


def test_small_integers_do_not_wrap_around():
    for fan in (np.array([20000], np.int16), torch.tensor([20000], dtype=torch.int16)):
        assert default_variance(fan) == 1 / 60000
        assert xavier_variance(fan, fan) == 2 / 40000
        assert he_variance(fan) == pytest.approx(2 / 20000)


def test_seeding_without_with_warns():
    with pytest.warns(UserWarning, match="seeds nothing without `with`"):
        seeded(0)


def test_a_layer_in_place_of_its_class_is_named():
    with pytest.raises(ValueError, match="activation: expected a class like nn.ReLU"):
        stack([10, 10], nn.ReLU())
