"""A text tower that is too short for a table's prompts costs its own row, before anything trains."""

import pytest
import yaml
from paper_tables.cohorts import TRAINING, Subjects
from paper_tables.long_prompts import refuse_long_prompts
from paper_tables.plan import Options, plan_of
from paper_tables.read_table import read_table, table_files
from paper_tables.sizes import overrides_of, read_size
from paper_tables.store import Store
from text_runs import text_recipe, write_text_cohort
from toys import TINY

from anysyn.data.subjects.find import find_subjects

TABLE = """
title: Small
about: Two methods
metrics: [psnr]
down: [set, task]
across: [method]
modalities: [T1w, T2w, FLAIR]
sets: {one: {tasks: [T1w:T2w]}}
methods:
  - {name: Reads, recipe: reads.yaml}
  - {name: Does not, recipe: ours.yaml}
"""


@pytest.mark.parametrize(("tokens", "refused"), [(60, ["Reads"]), (120, [])])
def test_a_prompt_that_is_too_long_costs_the_row_that_reads_it(tokens, refused, tmp_path):
    cohort = write_text_cohort(tmp_path / "cohort")
    tree = text_recipe()
    tree["parts"]["clip"]["tokens"] = tokens
    (tmp_path / "reads.yaml").write_text(yaml.safe_dump(tree))
    (tmp_path / "ours.yaml").write_text(TINY)
    (tmp_path / "table.yaml").write_text(TABLE)
    subjects = {TRAINING: Subjects(cohort, "key", False)}
    size = read_size("paper")
    plan = plan_of(read_table(tmp_path / "table.yaml"), Options(size, subjects), Store(tmp_path / "out"))
    refuse_long_prompts(plan, find_subjects(cohort).subjects)
    assert list(plan.mistakes) == refused
    assert all("tokens and the text tower takes 60" in said for said in plan.mistakes.values())
    assert sorted({cell.method for cell in plan.cells}) == sorted({"Reads", "Does not"} - set(refused))


def test_the_tower_of_unisyn_1_takes_prompts_of_pet():
    table = read_table(table_files()["unisyn-1"])
    tumsyn = next(method for method in table.methods if method.name == "TUMSyn")
    assert overrides_of(tumsyn, read_size("paper", table)) == ["parts.clip.tokens=128"]
