"""Small built parts and batches for the tests."""

import nibabel as nib
import numpy as np
import torch

from anysyn.clip import clip_3d, clip_from_scratch
from anysyn.diffusion import Diffusion
from anysyn.discriminators import CanvasPatchGAN
from anysyn.objectives import ModalityHead
from anysyn.plugins import enrol
from anysyn.registry import build, find, parameters
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query

enrol()
M = 4
PROMPTED = ("T1w", "T1c", "T2w", "FLAIR")
# What a part needs beyond its defaults, small enough for a test. A new part with good defaults needs no line here.
SMALL = {
    ("encoder", "unet"): {"widths": (8, 12, 16)},
    ("encoder", "resnet"): {"blocks": 2, "width": 8, "out": 12},
    ("encoder", "swin_unetr"): {"feature_size": 12, "window": 4},
    ("encoder", "unetr"): {"feature_size": 4, "width": 12, "hidden": 24, "heads": 3, "size": 32},
    ("encoder", "residual_unet"): {"widths": (8, 12, 16)},
    ("encoder", "strided_unet"): {"levels": 3, "width": 8},
    ("encoder", "latent_unet"): {"widths": (8, 12), "out": 6},
    ("encoder", "timm"): {"backbone": "test_efficientnet", "width": 8},
    ("encoder", "swin_unet"): {"feature_size": 8, "depths": (2, 2), "head_width": 4, "window": 4},
    ("encoder", "trans_unet"): {"width": 8, "layers": 1, "hidden": 16, "side": 64},
    ("encoder", "downsampled_resnet"): {"width": 4, "blocks": 2},
    ("encoder", "res_vit"): {
        **{"width": 4, "blocks": 2, "transformers": (1,), "side": 64},
        **{"tokens": 8, "layers": 1, "heads": 2, "hidden": 16},
    },
    ("encoder", "diffusion_unet"): {"channels": (8, 12), "groups": 4, "attention": 1, "head_width": 4},
    ("decoder", "swin_unet"): {"head_width": 4, "window": 4, "drop_path": 0.0},
    ("decoder", "diffusion_unet"): {"groups": 4, "head_width": 4},
    ("decoder", "dense"): {"width": 8},
    ("conditioner", "cross_attention"): {"heads": 2},
    ("decoder", "liif"): {"hidden": (16, 16)},
    ("decoder", "mlp"): {"hidden": (16, 16)},
    ("decoder", "trilinear"): {"hidden": (16, 16)},
    ("discriminator", "patchgan"): {"width": 4, "layers": 1},
    ("discriminator", "resnet"): {"backbone": "test_efficientnet"},
}
FLAT = {("encoder", "timm"), ("discriminator", "resnet")}  # parts for slices and slabs alone
NEEDS = {("conditioner", "add"): "modality"}
# The design of a part that holds several networks of one.
OF = {"encoder": "unet", "decoder": "cnn", "discriminator": "patchgan"}
SHAPES = {2: (16, 24), 3: (8, 16, 8)}
SPACES = [(2, 1), (2, 3), (3, 1)]  # (dimensions, depth): slices, slabs, patches
EVERY = torch.arange(M).unsqueeze(1)  # (M, 1): a sample for each modality, so that all that belongs to one is used
SEVERAL = {"streams": torch.cat([EVERY, EVERY.roll(1)], 1)}  # sources that make an encoder use all of its weights
ASKED = {"reconstruction_l1": (0,)}  # targets that make a loss see anything


def spec(kind, name):
    return {"name": name, **SMALL.get((kind, name), {})}


def shape_of(dimensions, depth, stride=8):
    """Return voxel counts that suit a network with this deepest stride; the slices of a slab come first."""
    return (*((depth,) if depth > 1 else ()), *(n * max(1, stride // 8) for n in SHAPES[dimensions]))


def batch_of(shape, samples=2, seed=0):
    return Batch.complete(torch.rand(samples, M, *shape, generator=torch.Generator().manual_seed(seed)))


def one_hot(*numbers, count=None):
    """Return weights (B, N) of samples that each come from the dataset of a number."""
    return torch.nn.functional.one_hot(torch.tensor(numbers), -1 if count is None else count).float()


def query_of(targets=(2,), samples=2):
    return Query(torch.tensor([[0]] * samples), torch.tensor([list(targets)] * samples))


def nests(kind, name):
    return "of" in parameters(find(kind, name))


def encoder_of(name, dimensions, depth=1):
    of = {"of": encoder_of(OF["encoder"], dimensions, depth)} if nests("encoder", name) else {}
    given = {"modalities": M, "names": PROMPTED, "dimensions": dimensions, "depth": depth}
    torch.manual_seed(0)
    return build("encoder", spec("encoder", name) | of, **given)


def decoder_of(name, encoder, depth=1):
    of = {"of": decoder_of(OF["decoder"], encoder, depth)} if nests("decoder", name) else {}
    given = {"widths": encoder.widths, "strides": encoder.strides, "dimensions": encoder.dimensions, "depth": depth}
    torch.manual_seed(1)
    return build("decoder", spec("decoder", name) | of, modalities=M, names=PROMPTED, **given)


def halves(encoder, decoder, dimensions=2, depth=1):
    """Build an encoder and a decoder of its levels, as a recipe describes them."""
    given = {"modalities": M, "dimensions": dimensions, "depth": depth}
    first = build("encoder", encoder, **given)
    return first, build("decoder", decoder, widths=first.widths, strides=first.strides, **given)


def discriminator_of(name="per_modality", dimensions=2, depth=1):
    of = {"of": discriminator_of(OF["discriminator"], dimensions, depth)} if nests("discriminator", name) else {}
    torch.manual_seed(4)
    return build("discriminator", spec("discriminator", name) | of, names=PROMPTED, dimensions=dimensions, depth=depth)


def shortcut_of(name, dimensions):
    torch.manual_seed(3)
    return build("shortcut", spec("shortcut", name), modalities=M, dimensions=dimensions)


def canvas_discriminator():
    torch.manual_seed(4)
    return CanvasPatchGAN(modalities=M, dimensions=2, width=4, layers=1)


def descriptor_of(name):
    return build("descriptor", spec("descriptor", name) | referred("descriptor", name), modalities=M, names=PROMPTED)


def conditioner_of(name, sites, dimensions):
    torch.manual_seed(2)
    reads = descriptor_of(NEEDS.get(("conditioner", name), "modality"))
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


def diffusion(dimensions=2, depth=1, **options):
    """Return a diffusion model that knows the time and the target."""
    encoder = encoder_of("diffusion_unet", dimensions, depth)
    decoder = decoder_of("diffusion_unet", encoder, depth)
    embeddings = [site for site in (*encoder.sites, *decoder.sites) if site.name.endswith("/embedding")]
    adding = [
        build("conditioner", {"name": "add", "reads": descriptor_of(name)}, sites=embeddings, dimensions=dimensions)
        for name in ("time", "modality")
    ]
    return Diffusion(encoder=encoder, decoder=decoder, conditioners=adding, **options)


def clip(seed=0, tokens=77):
    torch.manual_seed(seed)
    return clip_from_scratch(names=PROMPTED, side=16, width=16, layers=1, heads=2, embedding=8, tokens=tokens)


def volume_clip(seed=0, **sizes):
    torch.manual_seed(seed)
    small = {"size": 8, "patch": 4, "width": 12, "layers": 1, "heads": 2, "text_layers": 1, "embedding": 8}
    return clip_3d(names=PROMPTED, **{**small, "text_width": 8, "text_heads": 2, **sizes})


def referred(kind, name):
    """Return what a recipe refers to or nests for a part, by the names of its keys."""
    made = {
        "model": diffusion if name == "denoising" else synthesizer,
        "clip": clip,
        "head": lambda: ModalityHead(model=synthesizer(), modalities=M),
        "discriminator": canvas_discriminator if name.startswith("canvas") else discriminator_of,
        "losses": lambda: [build("loss", {"name": "l1"})],
    }
    return {key: made[key]() for key in parameters(find(kind, name)) if key in made}


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
