import torch

from anysyn.losses.feature import feature_map_distance


def test_distance_is_mse_plus_l1_averaged_over_levels():
    torch.manual_seed(0)
    first = [torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4)]
    second = [torch.rand_like(x) for x in first]
    for row in range(2):
        levels = [
            torch.nn.functional.mse_loss(a[row], b[row]) + torch.nn.functional.l1_loss(a[row], b[row])
            for a, b in zip(first, second, strict=True)
        ]
        torch.testing.assert_close(feature_map_distance(first, second)[row], sum(levels) / 2)
