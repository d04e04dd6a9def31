"""Recipes as no one means them are refused in lines: no traceback, none that hangs."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import yaml
from mutations import draw_of, mutated_override, mutated_text, mutated_tree, outcome, recipes
from peak_memory import peak_megabytes

from anysyn.build import load

MOST_MEGABYTES = 2000


def mutant(seed, folder, known):
    """Write a mutated recipe, or leave it as it is and return an override that is odd."""
    draw, overrides = draw_of(seed), []
    name, tree = draw.choice(known)
    text = yaml.safe_dump(tree, sort_keys=False)
    if seed % 3 == 0:
        text = yaml.safe_dump(mutated_tree(tree, draw), sort_keys=False, allow_unicode=True)
    elif seed % 3 == 1:
        text = mutated_text(text, draw)
    else:
        overrides = [mutated_override(tree, draw)]
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path, overrides


def wrong(seeds, folder):
    """Return what goes wrong, by seed; in a process of its own, whose memory is then known."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(wrong_here, seeds, folder).result()


def wrong_here(seeds, folder):
    """Return what goes wrong in this process, by seed."""
    known = recipes()
    for name in ("small/tumsyn", "small/baselines/timm", "small/baselines/swin_unetr"):
        load(name)  # what takes seconds is imported before time is measured
    answers = {}
    for seed in seeds:
        path, overrides = mutant(seed, folder, known)
        answers[seed] = outcome(lambda path=path, overrides=overrides: load(path, overrides))
    assert peak_megabytes() < MOST_MEGABYTES
    return {seed: answer for seed, answer in answers.items() if answer}


def test_two_hundred_mutated_recipes(tmp_path):
    assert wrong(range(200), tmp_path) == {}


@pytest.mark.slow
def test_two_thousand_mutated_recipes(tmp_path):
    assert wrong(range(200, 2200), tmp_path) == {}
