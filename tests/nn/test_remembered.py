"""What is remembered is what would be computed anew, whatever happened in between."""

import copy

import torch

from anysyn.nn.fusion import Remembered


def counted():
    calls = []

    def double(x, *_):
        calls.append(1)
        return 2 * x

    return Remembered(double), calls


def test_another_tensor_and_a_changed_one_are_computed_anew():
    remembered, calls = counted()
    x, y = torch.ones(3), torch.ones(3)
    with torch.no_grad():
        for tensor in (x, x, y, x):
            torch.testing.assert_close(remembered(tensor), 2 * tensor)
        assert len(calls) == 3
        x.add_(1)
        torch.testing.assert_close(remembered(x), 2 * x)
        remembered(x, y)
    assert len(calls) == 5


def test_gradients_reach_what_is_asked_twice():
    remembered, calls = counted()
    x = torch.ones(3, requires_grad=True)
    for _ in range(2):
        remembered(x).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]
    assert len(calls) == 2


def test_a_tensor_is_not_kept_alive_and_its_successor_is_not_taken_for_it():
    remembered, calls = counted()
    with torch.inference_mode():
        for value in range(5):
            assert remembered(torch.full((3,), float(value))).tolist() == [2 * value] * 3
    assert len(calls) == 5


def test_a_copy_remembers_for_itself():
    remembered, _ = counted()
    x = torch.ones(3)
    with torch.no_grad():
        remembered(x)
        assert torch.equal(copy.deepcopy(remembered)(x), 2 * x)
