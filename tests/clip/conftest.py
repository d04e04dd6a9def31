import pytest
from checkpoints import write_checkpoint
from toys import PROMPTED

from anysyn.clip import pretrained_clip


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Return the folder of a checkpoint; tests copy it before they change it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def loaded(checkpoint):
    return pretrained_clip(names=PROMPTED, checkpoint=str(checkpoint)).eval()
