"""What is cached is what would be computed anew, whatever happened in between."""

import copy

import torch

from anysyn.nn.fusion import LastResult


def counted():
    calls = []

    def double(x, *_):
        calls.append(1)
        return 2 * x

    return LastResult(double), calls


def test_another_tensor_and_a_changed_one_are_computed_again():
    cached, calls = counted()
    x, y = torch.ones(3), torch.ones(3)
    with torch.no_grad():
        for tensor in (x, x, y, x):
            torch.testing.assert_close(cached(tensor), 2 * tensor)
        assert len(calls) == 3
        x.add_(1)
        torch.testing.assert_close(cached(x), 2 * x)
        cached(x, y)
    assert len(calls) == 5


def test_gradients_reach_a_result_that_is_computed_twice():
    cached, calls = counted()
    x = torch.ones(3, requires_grad=True)
    for _ in range(2):
        cached(x).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]
    assert len(calls) == 2


def test_a_tensor_is_not_kept_alive_and_its_successor_is_not_taken_for_it():
    cached, calls = counted()
    with torch.inference_mode():
        for value in range(5):
            assert cached(torch.full((3,), float(value))).tolist() == [2 * value] * 3
    assert len(calls) == 5


def test_a_copy_has_a_cache_of_its_own():
    cached, _ = counted()
    x = torch.ones(3)
    with torch.no_grad():
        cached(x)
        assert torch.equal(copy.deepcopy(cached)(x), 2 * x)
