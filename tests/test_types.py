import torch

from anysyn.acquisition import Acquisition
from anysyn.types import Query, Site


def test_one_by_one_splits_targets_and_their_acquisitions():
    records = tuple(Acquisition(echo_time_ms=float(t)) for t in range(2))
    query = Query(torch.zeros(3, 1, dtype=torch.long), torch.tensor([[1, 2]] * 3), ((None,),) * 3, (records,) * 3)
    first, second = query.one_by_one()
    assert first.targets.tolist() == [[1]] * 3
    assert second.target_acquisitions == ((records[1],),) * 3
    assert second.sources is query.sources


def test_reversed_twice_is_the_query():
    query = Query(torch.tensor([[0]]), torch.tensor([[1, 2]]))
    assert query.reversed().reversed().targets is query.targets


def test_a_site_knows_its_side():
    assert Site("decoder/own3/block1", 8).side == "decoder"
