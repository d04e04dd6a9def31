"""A tile through TUMSyn's synthesis network at the paper's size, as published and as in anysyn."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from typing import Annotated, Literal, NamedTuple

import torch
import typer
from torch import Tensor

from anysyn.conditioners import CrossAttention
from anysyn.data.views import Patches
from anysyn.decoders import TrilinearDecoder
from anysyn.descriptors import ModalityLabel
from anysyn.encoders import ResNetEncoder
from anysyn.points import Lattice, lattice
from anysyn.synthesis.fold_batch_norms import fold_batch_norms
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Features, Query
from side_by_side import tumsyn_published
from side_by_side.cost import alone, resident

Form = Literal["published", "ours"]
Precision = Literal["fp32", "bf16"]
VOLUME, TILE = (160, 192, 160), (60, 60, 60)
HALO = 7  # of recipe tumsyn: its decoder does not evaluate the halo, except at the volume's ends
PUBLISHED = (0.5, 775.0, 12.3)  # tile overlap; CPU seconds and GiB of a tile as published: docs/experiments/speed.md


class Case(NamedTuple):
    """Sizes of network and tile; the default is the paper's.

    Args:
        size: Voxels of the tile along each axis.
        precision: Arithmetic of our form; the published one has float32 alone.
        blocks: Residual blocks of the encoder.
        width: Channels in them.
        out: Channels of the features, and of the text.
        hidden: Hidden layers of the decoder.
        halo: Voxels at each end of the tile that the neighbouring tile synthesizes.
    """

    size: int
    precision: Precision = "fp32"
    blocks: int = 24
    width: int = 256
    out: int = 768
    hidden: tuple[int, ...] = (3072, 3072, 768, 256)
    halo: int = HALO


class Cost(NamedTuple):
    """The images of a form for two targets, and their cost.

    Args:
        answers: The first and the second target between the halos, flat.
        encode: CPU seconds of the encoder.
        condition: CPU seconds of the fusion with the first text.
        decode: CPU seconds of the decoder.
        second: Additional CPU seconds of the second target.
        gibibytes: Peak of the resident memory, torch and weights included.
    """

    answers: tuple[Tensor, Tensor]
    encode: float
    condition: float
    decode: float
    second: float
    gibibytes: float

    @property
    def first(self) -> float:
        """Return the CPU seconds of one target."""
        return self.encode + self.condition + self.decode


def network(case: Case) -> Synthesizer:
    """Return the network with random weights, the same for a case, and random statistics in its batch norms.

    Args:
        case: Its sizes.
    """
    torch.manual_seed(0)
    encoder = ResNetEncoder(
        modalities=3,
        dimensions=3,
        blocks=case.blocks,
        width=case.width,
        out=case.out,
        norm="batch",
        inputs="stack",
    )
    for buffer in encoder.buffers():
        if buffer.is_floating_point():
            buffer += torch.rand_like(buffer)
    decoder = TrilinearDecoder(
        widths=encoder.widths, strides=encoder.strides, dimensions=3, hidden=case.hidden, coordinates="absolute"
    )
    text = ModalityLabel(modalities=3, width=case.out)
    fusion = CrossAttention(sites=decoder.sites, reads=text, dimensions=3, temperature=1.0, residual=False)
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[fusion]).eval()


def cost_of(case: Case, form: Form) -> Cost:
    """Run encoder, fusion and decoder of a form one after the other, and return their costs.

    Args:
        case: Sizes of network and tile.
        form: The form.
    """
    model = network(case)
    steps = published_steps(model) if form == "published" else our_steps(model, inner(case))
    image = torch.rand(1, 3, *(case.size,) * 3)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=case.precision == "bf16"):
        seconds, features = timed(lambda: steps[0](image))
        answers, costs = [], []
        for target in (1, 2):
            condition, x = timed(lambda number=target: steps[1](features, number))
            decode, answer = timed(lambda x=x: steps[2](x))
            answers.append(between_halos(answer.float(), case))
            costs.append((condition, decode))
            del x
    return Cost((answers[0], answers[1]), seconds, *costs[0], sum(costs[1]), resident("VmHWM") / 1024)


def between_halos(answer: Tensor, case: Case) -> Tensor:
    """Cut the halo off an image that has it.

    Args:
        answer: Image of the whole tile, or without its halo; of any shape.
        case: The tile.
    """
    if answer.numel() < case.size**3:
        return answer.flatten()
    return answer.reshape(3 * (case.size,))[3 * (slice(case.halo, case.size - case.halo),)].flatten()


def inner(case: Case) -> Lattice:
    """Return the lattice without the halo of a tile that is surrounded by others.

    Args:
        case: The tile.
    """
    whole = lattice(3 * (case.size,))
    return Lattice(tuple(axis[case.halo : case.size - case.halo] for axis in whole.axes), whole.step)


def timed(compute: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Return the CPU seconds of a computation, and its result.

    Args:
        compute: The computation.
    """
    start = time.process_time()
    answer = compute()
    return time.process_time() - start, answer


def our_steps(model: Synthesizer, places: Lattice) -> tuple[Callable[..., Tensor], ...]:
    """Return encoder, fusion and decoder as a loaded run evaluates them.

    Args:
        model: The network.
        places: The points that the decoder evaluates.
    """
    fold_batch_norms(model)
    (fusion,) = model.conditioners
    source = torch.zeros(1, 1, dtype=torch.int64)

    def condition(features: Tensor, target: int) -> Tensor:
        batch = Batch.complete(features)
        code = fusion.embed(batch, Query(source, torch.full((1, 1), target)))
        return fusion(features, code, "decoder/in")

    return (
        lambda image: model.encoder(image, source).deep,
        condition,
        lambda features: model.decoder(Features((), features), source, places=places),
    )


def published_steps(model: Synthesizer) -> tuple[Callable[..., Tensor], ...]:
    """Return encoder, fusion and decoder as the published code evaluates them.

    Args:
        model: The network.
    """
    (fusion,) = model.conditioners
    at_site = fusion.at(fusion.fusions, "decoder/in")
    table = fusion.reads.table
    return (
        lambda image: tumsyn_published.encoded(model.encoder, image[:, :1]),
        lambda features, target: tumsyn_published.fused(at_site, features, table.weight[target].reshape(1, 1, -1)),
        lambda features: tumsyn_published.decoded(model.decoder.imnet, features),
    )


def command(
    size: Annotated[int, typer.Option(help="Voxels of the tile along each axis.")] = 60,
    precision: Annotated[Precision, typer.Option(help="Arithmetic of our form.")] = "fp32",
    published: Annotated[bool, typer.Option(help="Run the published form, too: 13 GiB for a tile of 60.")] = True,
) -> None:
    """Synthesize one tile by TUMSyn's network at the paper's size, and project the cost of a whole volume.

    Ours decodes a tile without its halo, as synthesis does; the published form has no halo and decodes all of it.
     The projection counts the tiles that a view of 60 x 60 x 60 needs by its own overlap; where another size was
    measured, it takes seconds to grow with the number of voxels.
    """
    case = Case(size, precision)
    print(
        f"one tile of {size}^3, 24 blocks of 256, 768 features, threads: {torch.get_num_threads()}, ours in {precision}"
    )
    ours = alone(cost_of, case, "ours")
    theirs = alone(cost_of, case._replace(precision="fp32"), "published") if published else None
    for form, cost in (("published", theirs), ("ours", ours)):
        if cost is not None:
            print(row(form, cost))
    if theirs is not None:
        apart = [(a - b).abs().max() for a, b in zip(theirs.answers, ours.answers, strict=True)]
        scale = theirs.answers[0].std()
        print(f"largest difference: {max(apart):.1e}; the answer's standard deviation is {scale:.1e}")
    for line in projection(size, ours, theirs):
        print(line)


def row(form: str, cost: Cost) -> str:
    """Return the cost of a tile in one line.

    Args:
        form: Its name.
        cost: Its cost.
    """
    parts = f"encode {cost.encode:.1f}, condition {cost.condition:.1f}, decode {cost.decode:.1f}"
    second = f"a second target {cost.second:.1f} ({cost.second / cost.first:.0%})"
    return f"{form:<10}{cost.first:7.1f} CPU s ({parts}); {second}; peak {cost.gibibytes:.2f} GiB"


def projection(size: int, ours: Cost, theirs: Cost | None) -> list[str]:
    """Return the cost of a whole volume in lines: as published, and ours.

    Args:
        size: Voxels of the tile along each axis.
        ours: Our cost of it.
        theirs: Cost of the published form on this machine, if it was measured.
    """
    view, larger = Patches(size=TILE, halo=HALO), (TILE[0] / size) ** 3
    tiles, before = view.cover(VOLUME, view.overlap), len(view.cover(VOLUME, PUBLISHED[0]))
    decoded = sum(prod(tile.kept(VOLUME, HALO).size) for tile in tiles)  # at the volume's ends there is no halo
    each = (ours.encode + ours.condition) * larger
    total = len(tiles) * each + decoded * ours.decode / (size - 2 * HALO) ** 3
    volume = " x ".join(map(str, VOLUME))
    lines = [f"{volume} voxels: {len(tiles)} tiles of 60^3 at overlap {view.overlap}, {total:,.0f} CPU s"]
    recorded = before * PUBLISHED[1]
    lines.append(f"as published, recorded: {before} tiles, {recorded:,.0f} CPU s; ours is {total / recorded:.2f} of it")
    if theirs is not None:
        here = before * theirs.first * larger
        lines.append(
            f"as published, on this machine: {before} tiles, {here:,.0f} CPU s; ours is {total / here:.2f} of it"
        )
    return lines
