"""The small recipe of PMM-Synth is the paper's method, and its ablation lacks the modulation alone."""

import pytest

from anysyn import build

SMALLER = {  # sizes, epochs, learning rate, moving average, scaling of intensities
    "data.prepare.3.upper",
    "data.view.size",
    "parts.synthesizer.encoder.of.widths",
    "parts.synthesizer.conditioners.0.reads.width",
    "parts.discriminators.of.of.width",
    "parts.discriminators.of.of.layers",
    "stages.0.epochs",
    "stages.0.batches.size",
    "stages.0.ema",
    "stages.0.validate_every",
    "stages.0.steps.0.optimizer.lr",
    "stages.0.steps.0.schedule.after",
    "stages.0.steps.1.schedule.after",
}


def leaves(value, path=()):
    """Yield the path and the value of all that has no keys of its own; lists of parts count by number."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if nests(value) else None
    if not items:
        yield ".".join(map(str, path)), value
    for key, item in items or ():
        yield from leaves(item, (*path, key))


def nests(value):
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def differing(one, other):
    """List the keys in which two resolved recipes differ, but for what they are called."""
    first, second = (dict(leaves(build.load(name).spec())) for name in (one, other))
    keys = first.keys() | second.keys()
    return {key for key in keys if first.get(key, ...) != second.get(key, ...)} - {"name", "paper"}


def test_the_small_recipe_is_the_papers_method():
    assert differing("small/pmm_synth", "pmm_synth") <= SMALLER


@pytest.mark.parametrize("size", ["", "small/"])
def test_without_pfm_the_conditioners_alone_differ(size):
    keys = differing(f"{size}pmm_synth-plain", f"{size}pmm_synth")
    assert keys
    assert {key.removeprefix("parts.synthesizer.").split(".")[0] for key in keys} == {"conditioners"}
