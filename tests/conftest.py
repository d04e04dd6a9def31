"""What all tests share."""

import pytest
import torch
from checkpoints import write_checkpoint

# Tests compute on small tensors, in several workers at once: with one thread each they take half the time.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def offline(tmp_path_factory):
    """Return a function from a recipe's file to the overrides that it needs without a hub."""
    folder = tmp_path_factory.mktemp("hub") / "clip"
    write_checkpoint(folder)

    def overrides(path):
        hub = path.parent.name == "recipes" and path.stem.startswith("omnisyn")
        return [f"parts.clip.checkpoint={folder}"] if hub else []

    return overrides
