import torch
import torch.multiprocessing as mp

from anysyn.losses.contrastive import supervised_infonce
from anysyn.objectives.gathering import gather

GROUPS = torch.tensor([3, 5, 5, 3, 8, 8])
SHARES = (slice(0, 2), slice(2, 6))  # the ranks hold different numbers of embeddings; positives lie across them


def gradient(rows):
    """Return the gradient of Eq. 4 with respect to what all ranks share, from one rank's inputs."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(6, 4, generator=draw)
    weight = torch.randn(4, 5, generator=draw, requires_grad=True)
    vectors = torch.nn.functional.normalize(inputs[rows] @ weight, dim=1)
    supervised_infonce(*gather(vectors, GROUPS[rows]), 0.3).backward()
    return weight.grad


def rank(number, folder):
    """Do on one of two ranks what training does: own samples, then the average of the gradients."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2)
    found = gradient(SHARES[number])
    torch.distributed.all_reduce(found)
    torch.save(found / 2, folder / f"gradient-{number}")
    torch.distributed.destroy_process_group()


def test_two_ranks_step_as_one_large_batch(tmp_path):
    mp.spawn(rank, args=(tmp_path,), nprocs=2)
    for number in (0, 1):
        torch.testing.assert_close(torch.load(tmp_path / f"gradient-{number}"), gradient(slice(None)))


def test_one_rank_keeps_what_it_has():
    vectors = torch.rand(6, 2)
    found, groups = gather(vectors, GROUPS)
    assert found is vectors
    assert groups is GROUPS
