"""Examples are read back as they were written."""

import math

import numpy as np
import pytest
import torch

from anysyn.errors import UserError
from anysyn.evaluation.examples import Example, centre, planes, read_example, write_example


def example():
    volume = torch.rand(4, 5, 6)
    at = (1, 2, 3)
    return volume, Example(
        subject="sub/01",
        dataset="site 1",
        target="FLAIR",
        spacing=(1.0, 1.0, 2.5),
        sources={"T1w": planes(volume + 1, at), "T2w": planes(volume + 2, at)},
        truth=planes(volume, at),
        mask=planes(volume > 0.5, at),
        predictions={"model": planes(volume + 3, at), "source copied": planes(volume + 4, at)},
        values={"model": {"psnr": math.inf}, "source copied": {"psnr": 20.0}},
    )


def test_there_and_back(tmp_path):
    volume, written = example()
    write_example(tmp_path / "a.npz", written)
    read = read_example(tmp_path / "a.npz")
    for name in ("subject", "dataset", "target", "spacing", "values"):
        assert getattr(read, name) == getattr(written, name)
    np.testing.assert_array_equal(read.truth[0], volume[1].half().numpy())
    np.testing.assert_array_equal(read.truth[1], volume[:, 2].half().numpy())
    np.testing.assert_array_equal(read.sources["T2w"][2], (volume + 2)[..., 3].half().numpy())
    np.testing.assert_array_equal(read.predictions["source copied"][2], (volume + 4)[..., 3].half().numpy())
    assert set(np.unique(read.mask[1])) <= {0, 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_planes_go_through_the_middle_of_the_foreground():
    mask = torch.zeros(9, 9, 9, dtype=torch.bool)
    mask[6:9, 0:3, 4] = True
    assert centre(mask) == (7, 1, 4)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut", None])
def test_another_file_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "bad.npz"
    np.savez(path, image=np.zeros(3)) if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.npz: not an example"):
        read_example(path)
