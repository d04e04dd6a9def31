"""Cost of each further target in UniSyn's network at the paper's size: encoded once, folded into the decoder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import torch
import typer
from torch import Tensor, nn

from anysyn.conditioners import AlphaBeta
from anysyn.decoders import MLPDecoder
from anysyn.descriptors import NumericMetadata
from anysyn.encoders import ResNetEncoder
from anysyn.points import Places
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Decoder, Features, Modulate, Query
from side_by_side.cost import alone, resident

Form = Literal["laid out", "folded"]
FORMS: tuple[Form, ...] = ("laid out", "folded")


class Case(NamedTuple):
    """Sizes of network and slab; the default is the paper's.

    Args:
        size: Voxels of the slab along both axes of its plane.
        targets: Number of targets.
        depth: Slices of the slab.
        blocks: Residual blocks of the encoder.
        width: Channels in them.
        out: Channels of the features.
        hidden: Hidden layers of the decoder.
    """

    size: int
    targets: int = 6
    depth: int = 8
    blocks: int = 24
    width: int = 1024
    out: int = 768
    hidden: tuple[int, ...] = (2048, 1024, 1024)


class Cost(NamedTuple):
    """The images of a form, and their cost.

    Args:
        images: (K, depth, H, W).
        seconds: CPU seconds of each target, from the start or the previous target to its image.
        gibibytes: Peak of the resident memory, torch and weights included.
    """

    images: Tensor
    seconds: tuple[float, ...]
    gibibytes: float


class LaidOut(Decoder):
    """A decoder that does not fold the conditioners, so that the features of each target are laid out first.

    Args:
        decoder: The decoder.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder, self.sites = decoder, decoder.sites

    def forward(self, features: Features, targets: Tensor, modulate: Modulate, places: Places | None = None) -> Tensor:
        """Decode one target: (B, 1, *S)."""
        image: Tensor = self.decoder(features, targets, lambda site, x: modulate(site, x), places)
        return image


def network(case: Case) -> Synthesizer:
    """Return the network with random weights, the same for a case; its arithmetic is not the identity.

    Args:
        case: Its sizes.
    """
    torch.manual_seed(0)
    encoder = ResNetEncoder(
        modalities=case.targets,
        dimensions=2,
        depth=case.depth,
        blocks=case.blocks,
        width=case.width,
        out=case.out,
        inputs="stack",
    )
    decoder = MLPDecoder(
        widths=encoder.widths, strides=encoder.strides, dimensions=2, depth=case.depth, hidden=case.hidden
    )
    sites = [site for site in (*encoder.sites, *decoder.sites) if site.level]
    arithmetic = AlphaBeta(sites=sites, reads=NumericMetadata(modalities=case.targets))
    for head in arithmetic.heads.values():
        nn.init.normal_(head.layers[-1].weight, std=0.05)
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[arithmetic]).eval()


def cost_of(case: Case, form: Form) -> Cost:
    """Synthesize all targets with a form, and return images and costs.

    Args:
        case: Sizes of network and slab, and number of targets.
        form: The features of each target laid out, or the arithmetic folded.
    """
    model = network(case)
    if form == "laid out":
        model.decoder = LaidOut(model.decoder)
    shape = (case.depth, case.size, case.size)
    batch = Batch.complete(torch.rand(1, case.targets, *shape))
    query = Query(torch.zeros(1, 1, dtype=torch.int64), torch.arange(case.targets).unsqueeze(0))
    with torch.inference_mode(), answered(model) as times:
        images = model(batch, query).images[0]  # (K, depth, H, W)
    seconds = tuple(after - before for before, after in pairwise(times))
    return Cost(images, seconds, resident("VmHWM") / 1024)


@contextmanager
def answered(model: Synthesizer) -> Iterator[list[float]]:
    """Record the CPU time now and after each call of the decoder.

    Args:
        model: The network.
    """
    times = [time.process_time()]
    hook = model.decoder.register_forward_hook(lambda *_: times.append(time.process_time()))
    try:
        yield times
    finally:
        hook.remove()


def command(
    size: Annotated[int, typer.Option(help="Voxels of the slab along both axes of its plane.")] = 48,
    targets: Annotated[int, typer.Option(help="Number of targets.")] = 6,
) -> None:
    """Synthesize several targets of a slab of 8 slices with UniSyn's network at the paper's size.

    The source is encoded once, and counted with the first target. Then the features of each target are laid out before
    they are decoded, or, as synthesis does it, the arithmetic is folded into the decoder's first layer.
    """
    case = Case(size, targets)
    print(f"{targets} targets of a slab of 8 x {size} x {size}, threads: {torch.get_num_threads()}")
    costs = {form: alone(cost_of, case, form) for form in FORMS}
    for form, cost in costs.items():
        print(row(form, cost))
    folded, laid_out = (costs[form].images for form in ("folded", "laid out"))
    print(f"largest difference, folded to laid out: {(folded - laid_out).abs().max():.1e}; scale {laid_out.std():.1e}")


def row(form: str, cost: Cost) -> str:
    """Return the cost of a form in one line.

    Args:
        form: Its name.
        cost: Its cost.
    """
    first, last = cost.seconds[0], cost.seconds[-1]
    return (
        f"{form:<10}{sum(cost.seconds):7.1f} CPU s (the first target {first:.2f}, "
        f"the last of {len(cost.seconds)} {last:.2f}: {last / first:.1%}); peak {cost.gibibytes:.2f} GiB"
    )
