import inspect

import numpy as np
import pytest
import torch
from iminuit import Minuit

from helpers.derivatives import gradient
from helpers.objectives import himmelblau
from helpers.paths import Path, Recorder


def test_a_recorder_keeps_every_call_in_order_then_the_answer():
    recorder = Recorder(himmelblau)
    calls = [(0.0, 0.0), (1.0, 2.0), (3.0, 2.0)]
    for call in calls:
        recorder(*call)
    path = recorder.path(2.5, 2.5)
    assert np.array_equal(path.points, [*calls, (2.5, 2.5)])
    assert np.array_equal(path.values, himmelblau.at(path.points))
    assert (path.evaluations, path.gradients) == (3, 0)


def test_a_recorder_returns_what_the_objective_returns():
    x = torch.tensor(1.0, requires_grad=True)
    value = Recorder(himmelblau)(x, 2.0)
    value.backward()
    assert value.item() == himmelblau(1, 2)
    assert x.grad is not None


def test_every_third_evaluation_is_kept_and_the_first_among_them():
    recorder = Recorder(himmelblau, every=3)
    for x in range(8):
        recorder(float(x), 0.0)
    path = recorder.path(9.0, 0.0)
    assert list(path.points[:, 0]) == [0, 3, 6, 9]
    assert path.evaluations == 8


def test_a_kept_point_does_not_change_with_the_tensor_it_came_from():
    recorder = Recorder(himmelblau)
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])
    recorder(x, y)
    x += 100
    assert np.array_equal(recorder.path(x, y).points[0], [[1, 1], [2, 2]])


def test_the_gradient_of_a_recorder_is_counted_and_is_autograds():
    recorder = Recorder(himmelblau)
    assert np.array_equal(recorder.gradient(1.0, 2.0), gradient(himmelblau, (1.0, 2.0)))
    assert recorder.path(0, 0).gradients == 1


def test_minuit_sees_the_names_of_the_coordinates_through_a_recorder():
    assert list(inspect.signature(Recorder(himmelblau)).parameters) == ["x", "y"]
    assert Minuit(Recorder(himmelblau), 0, 0).parameters == ("x", "y")


def test_a_recorder_ends_in_a_path_as_often_as_it_is_asked():
    recorder = Recorder(himmelblau)
    recorder(1.0, 1.0)
    assert np.array_equal(recorder.path(2, 2).points, recorder.path(2, 2).points)


def test_start_and_end_are_the_first_and_the_last_point():
    path = Path(np.arange(12.0).reshape(3, 2, 2), np.zeros((3, 2)), 2, 0)
    assert np.array_equal(path.start, [[0, 1], [2, 3]])
    assert np.array_equal(path.end, [[8, 9], [10, 11]])


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None])
def test_every_must_be_a_positive_integer(every):
    with pytest.raises(ValueError, match="every"):
        Recorder(himmelblau, every=every)


def test_a_path_shows_its_cost_and_its_ends():
    path = Path(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([5.0, 0.25]), 1, 0)
    assert repr(path).splitlines() == [
        "Path of 1 evaluations and 0 gradients",
        "from (0, 1) to (2, 3), value 0.25",
    ]
    many = Path(np.zeros((2, 7, 2)), np.zeros((2, 7)), 1, 1)
    assert repr(many) == "Path of 1 evaluations and 1 gradients from each of 7 starts"
