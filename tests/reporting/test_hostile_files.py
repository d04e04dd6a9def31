"""A report of a run folder that a stranger made: each bad file costs a line, none hangs or fills the memory."""

import json
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from mutations import outcome
from run_folders import write_probe

from anysyn.errors import UserError
from anysyn.evaluation.examples import read_example
from anysyn.probes.catalogue import find_probe
from anysyn.reporting import report
from anysyn.reporting.stages import read_log

DEEP = 200_000 * "["


def an_example(run):
    return sorted((run.path / "evaluation" / "examples").glob("*.npz"))[0]


def change(path, arrays=(), **about):
    with np.load(path) as file:
        held = {name: file[name] for name in file.files}
    record = json.loads(str(held["about"])) | about
    np.savez_compressed(path, **{**held, **dict(arrays), "about": np.array(json.dumps(record))})


def plane(*shape, kind=np.float16):
    return np.zeros(shape, kind)


@pytest.mark.parametrize(
    "arrays",
    [
        {"truth/0": plane(5)},
        {"truth/0": plane(3, 3, 4)},
        {"truth/0": plane(0, 4)},
        {"truth/0": plane(7, 4, kind=complex)},
        {"truth/0": np.full((7, 4), "a")},
        {"prediction/model/0": plane(9, 9)},
        {"mask/1": plane(2, 2)},
        {"truth/0": plane(1, 20_000_000)},
    ],
)
def test_planes_that_are_no_images_cost_their_example(evaluated, arrays):
    path = an_example(evaluated)
    change(path, arrays)
    with pytest.raises(UserError, match="not an example that an evaluation wrote") as caught:
        read_example(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "about",
    [
        {"spacing": "abc"},
        {"spacing": [1, 2]},
        {"spacing": [0, 1, 1]},
        {"spacing": [float("nan"), 1, 1]},
        {"spacing": [1e9, 1, 1]},
        {"subject": [1]},
        {"target": None},
        {"sources": None},
        {"sources": []},
        {"values": ["model"]},
        {"values": {}},
        {"values": {"model": {}}},
        {"values": {"model": {"psnr": "x"}}},
        {"values": {"model": {"psnr": 10**400}}},
    ],
)
def test_a_record_that_is_none_costs_its_example(evaluated, about):
    path = an_example(evaluated)
    change(path, **about)
    with pytest.raises(UserError, match="not an example that an evaluation wrote"):
        read_example(path)


def test_bad_examples_are_listed_and_the_page_is_made(evaluated):
    one, two, *_ = sorted((evaluated.path / "evaluation" / "examples").glob("*.npz"))
    change(one, {"truth/0": plane(3, 3, 3)})
    np.savez_compressed(two, about=np.array(DEEP))
    page = report(evaluated.path).read_text()
    assert one.name in page
    assert two.name in page


def test_a_bomb_of_an_example_does_not_fill_the_memory(evaluated):
    path = an_example(evaluated)
    zeros = bytes(10_000_000)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("truth/0.npy", "w") as file,
    ):
        for _ in range(60):
            file.write(zeros)
    assert path.stat().st_size < 5_000_000
    tracemalloc.start()
    with pytest.raises(UserError, match="holds 600,000,000 bytes"):
        read_example(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_a_bomb_of_a_picture_is_left_out(evaluated):
    path = evaluated.path / "samples" / "0-synthesis-0010.png"
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 30_000, 30_000)  # the width and height that its header states
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    assert "30000" not in report(evaluated.path).read_text()


PIPES = ("report.html", "log.csv", "evaluation/cases.csv", "versions.json", "samples/1-a-1.png")


@pytest.mark.parametrize("name", PIPES)
def test_a_pipe_is_not_waited_for(evaluated, name):
    path = evaluated.path / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert outcome(lambda: report(evaluated.path)) is None  # a page, or a line that says why there is none


@pytest.mark.parametrize("name", ["versions.json", "split.json", "evaluation.json", "evaluation/protocol.json"])
def test_deep_json_is_one_line(evaluated, name):
    (evaluated.path / name).write_text(DEEP)
    with pytest.raises(UserError, match="nested too deep") as caught:
        report(evaluated.path)
    assert len(str(caught.value).splitlines()) == 1


def test_rows_of_a_log_that_no_training_writes_are_left_out(tmp_path):
    columns = ("stage", "epoch", "term", "value")
    rows = ["s,1e400,l1,1", "s,-5,l1,1", "s,9e18,l1,1", "s,nan,l1,1", "s,1,l1,x", "s,2,l1,0.5"]
    (tmp_path / "log.csv").write_text("\n".join([",".join(columns), *rows]))
    assert read_log(tmp_path / "log.csv", columns).values.tolist() == [["s", 2, "l1", 0.5]]


def test_options_that_no_probe_has_are_one_line(evaluated):
    tables = {name: table.frame([]) for name, table in find_probe("robustness").tables.items()}
    write_probe(evaluated, "robustness", tables, options={"pairs": 5})
    with pytest.raises(UserError, match=r"record\.json: its options are none of this probe") as caught:
        report(evaluated.path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_table_of_endless_columns_is_refused(evaluated):
    (evaluated.path / "evaluation" / "cases.csv").write_text(100_000 * ",")
    with pytest.raises(UserError, match="100,000 columns"):
        report(evaluated.path)
