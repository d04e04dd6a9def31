"""Small built parts and batches for the tests."""

import nibabel as nib
import numpy as np
import torch

from anysyn.plugins import enrol
from anysyn.registry import build
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query

enrol()
M = 4
# What a part needs beyond its defaults, small enough for a test. A new part with good defaults needs no line here.
SMALL = {("encoder", "unet"): {"widths": (8, 12, 16)}}
NEEDS = {("conditioner", "add"): "modality"}
SHAPES = {2: (16, 24), 3: (8, 16, 8)}
SPACES = [(2, 1), (2, 3), (3, 1)]  # (dimensions, depth): slices, slabs, patches


def spec(kind, name):
    return {"name": name, **SMALL.get((kind, name), {})}


def shape_of(dimensions, depth):
    return (*((depth,) if depth > 1 else ()), *SHAPES[dimensions])


def batch_of(shape, samples=2, seed=0):
    images = torch.rand(samples, M, *shape, generator=torch.Generator().manual_seed(seed))
    return Batch(
        images,
        torch.ones(samples, M, dtype=torch.bool),
        torch.zeros(samples, dtype=torch.long),
        torch.ones(samples, len(shape)),
    )


def query_of(targets=(2,), samples=2):
    return Query(torch.tensor([[0]] * samples), torch.tensor([list(targets)] * samples))


def encoder_of(name, dimensions, depth=1):
    torch.manual_seed(0)
    return build("encoder", spec("encoder", name), modalities=M, names=None, dimensions=dimensions, depth=depth)


def decoder_of(name, encoder, depth=1):
    given = {"widths": encoder.widths, "strides": encoder.strides, "dimensions": encoder.dimensions, "depth": depth}
    torch.manual_seed(1)
    return build("decoder", spec("decoder", name), modalities=M, **given)


def conditioner_of(name, sites, dimensions):
    torch.manual_seed(2)
    reads = build("descriptor", spec("descriptor", NEEDS.get(("conditioner", name), "modality")), modalities=M)
    part = {**spec("conditioner", name), "reads": reads}
    made = build("conditioner", part, sites=sites, dimensions=dimensions)
    for parameter in made.parameters():  # away from the identity that a conditioner may begin as
        parameter.data = parameter.data + 0.1 * torch.randn(parameter.shape)
    return made


def synthesizer(dimensions=2, depth=1, at=("decoder/in",)):
    encoder = encoder_of("unet", dimensions, depth)
    decoder = decoder_of("cnn", encoder, depth)
    chosen = [site for site in (*encoder.sites, *decoder.sites) if site.name in at]
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[conditioner_of("add", chosen, dimensions)])


TINY = """
name: tiny
modalities: [T1w, T2w, FLAIR]
data:
  prepare: [{name: canonical}, {name: nonnegative}, {name: crop}, {name: rescale}]
  view: {name: slices}
  split: {train: 0.5, validation: 0.25, test: 0.25}
parts:
  synthesizer:
    name: synthesizer
    encoder: {name: unet, widths: [8, 12]}
    decoder: {name: cnn}
    conditioners: [{name: add, at: ["decoder/*"], reads: {name: modality}}]
stages:
  - name: synthesis
    epochs: 2
    batches: {name: shuffled, size: 4}
    queries: {name: many_to_one}
    ema: 0.9
    clip_gradient: 1.0
    steps:
      - objective: {name: synthesis, model: "@synthesizer", losses: [{name: l1}]}
        train: [synthesizer]
        optimizer: {name: adam, lr: 5.0e-3}
        schedule: {name: cosine}
"""


def write_cohort(root, subjects=4, shape=(20, 24, 12), contrasts=("T1w", "T2w", "FLAIR"), seed=0):
    """Write one folder for each subject, one file for each contrast: an ellipsoid of a few tissues."""
    rng = np.random.default_rng(seed)
    for s in range(subjects):
        folder = root / f"sub-{s:02d}"
        folder.mkdir(parents=True)
        places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
        radius = np.sqrt((places**2).sum(0) * (1 + 0.1 * rng.random()))
        tissue = np.digitize(radius, [0.4, 0.7, 0.95])  # 3 is air
        for name in contrasts:
            levels = np.append(np.random.default_rng(len(name) * 7 + ord(name[1])).uniform(200, 900, 3), 0)
            image = levels[tissue] * (1 + 0.03 * rng.standard_normal(shape)) * (tissue < 3)
            nib.save(nib.Nifti1Image(image.astype(np.float32), np.diag([2.0, 2, 3, 1])), folder / f"{name}.nii.gz")
    return root
