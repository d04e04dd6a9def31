"""A run folder and a folder of results, as training and evaluation write them, with tiny arrays."""

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from anysyn.evaluation.examples import Example, write_example
from anysyn.evaluation.metrics.protocol import protocol
from anysyn.evaluation.results import results_of, write_results
from anysyn.evaluation.tables.cases_table import case_row
from anysyn.probes.catalogue import find_probe
from anysyn.probes.findings import Findings, write_findings
from anysyn.training.run_folder.folder import RunFolder

METHODS = ("model", "source copied", "intensity regression")
PAIRS = ((("T1w",), "T2w"), (("T2w",), "T1w"), (("T1w", "T2w"), "FLAIR"))
SHAPE, SPACING = (6, 7, 4), (1.0, 1.0, 3.0)


def write_run(folder, name="tiny", log=True):
    recipe = {
        "name": name,
        "paper": None,
        "modalities": ["T1w", "T2w", "FLAIR"],
        "seed": 7,
        "data": {"root": str(folder.parent / "cohort"), "prepare": [{"name": "canonical"}], "split": {"seed": 5}},
        "stages": [{"name": "synthesis", "epochs": 3}],
    }
    run = RunFolder(folder)
    (folder / "samples").mkdir(parents=True)
    run.recipe.write_text(yaml.safe_dump(recipe, sort_keys=False))
    run.write("versions.json", {"torch": "9.8.7"})
    run.write("split.json", {"train": ["sub-01", "sub-02"], "validation": ["sub-03"], "test": ["sub-04", "sub-05"]})
    run.weights.write_bytes(b"weights")
    for epoch in (1, 10):
        Image.new("L", (8, 4), 10 * epoch).save(folder / "samples" / f"0-synthesis-{epoch:04d}.png")
    if log:
        write_logs(run)
    return run


def write_logs(run):
    training = [
        {"stage": "synthesis", "epoch": epoch, "batch": batch, "term": "l1", "value": 1 / (epoch + 1), "speed": 50}
        for epoch in (0, 1)
        for batch in (10, 20)
    ]
    validation = [{"stage": "synthesis", "epoch": epoch, "term": "l1", "value": 0.5 - 0.2 * epoch} for epoch in (0, 1)]
    pd.DataFrame(training).to_csv(run.log, index=False)
    pd.DataFrame(validation).to_csv(run.validation, index=False)


def write_evaluation(run, folder, *, failures=(), examples=True, pairs=PAIRS):
    """Write what an evaluation of two subjects writes; the model gains 2 dB, but on the second pair it loses 1 dB."""
    (folder / "examples").mkdir(parents=True)
    how, rows = protocol("tumsyn"), []
    for number, (sources, target) in enumerate(pairs):
        gain = -1 if number == 1 else 2
        for subject in ("sub-04", "sub-05"):
            values = {m: {"psnr": 20.0 + gain * (m == "model"), "ssim": 0.5 + 0.1 * (m == "model")} for m in METHODS}
            stamp = (how.name, how.digest)
            rows += [case_row(subject, "A", m, sources, target, stamp, values[m]) for m in METHODS]
            if examples:
                one = example(subject, sources, target, values)
                write_example(folder / "examples" / f"{number}_{subject}.npz", one)
    kept = {"folder": folder, "protocol": how, "skipped": {}, "notes": ()}
    result = results_of(rows, failures=tuple(failures), **kept)
    asked = {"run": run.path, "data": None, "split": "test", "training": None, "seed": 3}
    write_results(result, asked)
    return result


def example(subject="sub-04", sources=("T1w",), target="T2w", values=None):
    rng = np.random.default_rng(0)

    def cut():
        volume = rng.random(SHAPE).astype(np.float16)
        return volume[3], volume[:, 3], volume[:, :, 2]

    return Example(
        subject=subject,
        dataset="A",
        target=target,
        spacing=SPACING,
        sources={name: cut() for name in sources},
        truth=cut(),
        mask=tuple(np.ones_like(plane) for plane in cut()),
        predictions={method: cut() for method in METHODS},
        values=values or {method: {"psnr": 20.0, "ssim": 0.5} for method in METHODS},
    )


def write_probe(run, name, tables, *, folder=None, notes=(), failures=(), options=None, **record):
    """Write what a probe leaves; the folder is in that of the results, by default the run's own."""
    columns = find_probe(name).tables
    listed = [{"subject": failure.key, "reason": failure.reason} for failure in failures]
    about = {"data": None, "split": "test", "options": options or {}, "notes": list(notes), "failures": listed}
    frames = {key: columns[key].frame(table) for key, table in tables.items()}
    place = (folder or run.path / "evaluation") / name
    write_findings(Findings(folder=place, tables=frames, record={**about, **record}), columns)
    run.write("evaluation.json", {"results": str(place.parent.resolve())})
    return place
