"""Small built parts and batches for the tests."""

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
    return build("conditioner", part, sites=sites, dimensions=dimensions)


def synthesizer(dimensions=2, depth=1, at=("decoder/in",)):
    encoder = encoder_of("unet", dimensions, depth)
    decoder = decoder_of("cnn", encoder, depth)
    chosen = [site for site in (*encoder.sites, *decoder.sites) if site.name in at]
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[conditioner_of("add", chosen, dimensions)])
