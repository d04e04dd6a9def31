"""What the tests of the data share."""

from pathlib import Path

import pytest


@pytest.fixture
def shared():
    """Return the folder of real images beside the checkout, if there is one."""
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    return folder
