"""Windows with a slope beyond them: exactly invertible, and plain windows as they always were."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.data.prepare import Pipeline, Rescale, TypicalWindows
from anysyn.data.volumes.intensity_window import rescale, restore, window_of, with_equal_slope
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume

BRAIN = (0.0, 80.0, 0.02)


@given(st.floats(-1024, 3071), st.floats(0.01, 1))
def test_the_inverse_is_exact(hu, slope):
    window = (-20.0, 100.0, slope)
    assert restore(rescale(hu, window), window) == pytest.approx(hu, abs=1e-6)


def test_inside_nothing_changes_and_outside_all_stays_in_order():
    hu = torch.linspace(-1024, 3071, 4096, dtype=torch.float64)
    bent, plain = rescale(hu, BRAIN), rescale(hu, BRAIN[:2])
    inside = (hu >= 0) & (hu <= 80)
    assert torch.equal(bent[inside], plain[inside])
    assert bool((bent.diff() > 0).all())
    assert float(bent.min()) > -0.3
    assert float(bent.max()) < 2
    torch.testing.assert_close(with_equal_slope(bent, BRAIN), plain)


def test_a_brain_ct_goes_there_and_back_and_air_is_air_again():
    image = torch.full((10, 10, 10), -1000.0)
    image[2:8, 2:8, 2:8] = 10 + 40 * torch.rand(6, 6, 6, generator=torch.Generator().manual_seed(0))
    study = study_of({"CT": Volume(image, np.eye(4))})
    ready, undo = Pipeline((Rescale(windows={"CT": BRAIN}),), TypicalWindows())(study)
    assert ready.air("CT") == pytest.approx(-0.25)
    assert float(ready.images["CT"].min()) == pytest.approx(-0.25)
    torch.testing.assert_close(undo(ready).images["CT"], image, atol=1e-3, rtol=0)


def test_the_windows_of_a_run_keep_their_slope():
    learned = TypicalWindows.learned([("A", {"CT": BRAIN}), ("B", {"CT": BRAIN})])
    assert TypicalWindows.from_json(learned.to_json()).windows("A")["CT"] == BRAIN


@pytest.mark.parametrize(
    ("numbers", "message"), [([80, 0], "80 is not below 0"), ([0, 80, 0], "slope 0"), ([0, 1, 2], "slope 2")]
)
def test_what_is_no_window_is_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        window_of(numbers)
    with pytest.raises(ValueError, match=f"windows: CT: {message}"):
        Rescale(windows={"CT": tuple(numbers)})
