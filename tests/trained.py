"""What the tests of training share: small recipes changed, weights read and compared, a run that is stopped."""

import pytest
import safetensors.torch
import torch
import yaml
from toys import TINY


def write_tiny(folder, change, name="recipe"):
    """Write the small recipe, changed in place by a function of its tree."""
    tree = yaml.safe_load(TINY)
    change(tree)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def weights(run, name="weights"):
    return safetensors.torch.load_file(run / f"{name}.safetensors")


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Stopped(Exception):
    """Stand for a run that is interrupted."""


def stop(monkeypatch, owner, name, when, train):
    """Stop a training as soon as a condition holds after a call of a method of its loop."""
    own = getattr(owner, name)

    def call(loop, *given, **options):
        own(loop, *given, **options)
        if when(loop.position):
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, call)
        with pytest.raises(Stopped):
            train()
