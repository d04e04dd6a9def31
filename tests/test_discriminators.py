"""The discriminator of pix2pix, one for each modality, and how far it sees."""

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from toys import PROMPTED, discriminator_of

from anysyn.discriminators import CanvasPatchGAN, PatchGAN, PerModalityDiscriminator, ResNetDiscriminator
from anysyn.errors import RecipeError


def test_it_has_the_parameters_of_pix2pix_and_answers_as_monai_s():
    ours = PatchGAN(dimensions=2, depth=2, norm="batch").eval()
    assert sum(p.numel() for p in ours.parameters()) == 2_764_609
    theirs = PatchDiscriminator(spatial_dims=2, channels=64, in_channels=2, num_layers_d=3).eval()
    weights = zip(theirs.state_dict(), ours.state_dict().values(), strict=True)
    theirs.load_state_dict(dict(weights))
    source = PatchGAN(dimensions=2, beside="stack", norm="batch")
    assert sum(p.numel() for p in source.parameters()) == 2_764_609
    images = torch.rand(1, 1, 2, 72, 80)
    torch.testing.assert_close(ours(images, torch.zeros(1)), theirs(images[:, 0])[-1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch_of_the_size_that_the_docstring_says(layers, side):
    judge = PatchGAN(dimensions=2, width=2, layers=layers, norm="none")
    image = torch.rand(1, 1, 144, 144, requires_grad=True)
    scores = judge(image, torch.zeros(1))
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    seen = image.grad[0, 0].abs().sum(0).nonzero().flatten()
    assert seen.max() - seen.min() + 1 == side


def test_images_that_are_too_small_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="24 voxels a side, not 24 x 23; take fewer layers"):
        PatchGAN(dimensions=2, width=2)(torch.rand(1, 1, 24, 23), torch.zeros(1))
    assert PatchGAN(dimensions=2, width=2)(torch.rand(1, 1, 24, 24), torch.zeros(1)).shape[-1] == 1


def test_each_image_is_scored_by_the_discriminator_of_its_modality():
    judges, images = discriminator_of("per_modality"), torch.rand(5, 1, 16, 24)
    which = torch.tensor([2, 0, 2, 1, 0])
    together = judges(images, which)
    for row, modality in enumerate(which.tolist()):
        alone = judges.discriminators[PROMPTED[modality]](images[row : row + 1], which[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-4)
    together.sum().backward()
    assert all(p.grad is None for p in judges.discriminators["FLAIR"].parameters())


def test_the_discriminators_draw_their_own_weights():
    judges = PerModalityDiscriminator(names=("T1w", "T2w"), of=PatchGAN(dimensions=2, width=4, layers=1))
    one, two = (next(judge.parameters()) for judge in judges.discriminators.values())
    assert not torch.equal(one, two)


@pytest.mark.parametrize(
    ("keys", "count"),
    [({}, 21_791_400), ({"beside": "stack", "sources": 2}, 21_797_672)],
)
def test_the_resnet_has_the_parameters_of_resnet_34_with_its_head(keys, count):
    """ "+21.8M" in Table 2 of OmniSyn: 21,797,672 for three channels."""
    with torch.device("meta"):
        judge = ResNetDiscriminator(dimensions=2, modalities=4, outputs=1000, **keys)
    assert sum(p.numel() for p in judge.parameters()) == count


def test_the_score_of_a_resnet_is_the_mean_of_its_outputs():
    judge = ResNetDiscriminator(dimensions=2, depth=3, backbone="test_efficientnet", outputs=5).eval()
    images = torch.rand(2, 1, 3, 48, 48)
    torch.testing.assert_close(judge(images, torch.zeros(2)).flatten(), judge.network(images[:, 0]).mean(1))


def test_a_resnet_refuses_patches():
    with pytest.raises(RecipeError, match=r"slices and slabs, not patches .* take \{name: patchgan\}"):
        ResNetDiscriminator(dimensions=3)


def test_the_canvas_has_the_parameters_of_mm_gan_and_a_map_for_each_modality():
    judge = CanvasPatchGAN(modalities=4, dimensions=2)
    assert sum(p.numel() for p in judge.parameters()) == 2_794_432
    with torch.device("meta"):
        laid_out = CanvasPatchGAN(modalities=4, dimensions=2)
        image = torch.zeros(1, 4, 256, 256)
        assert laid_out(image, image).shape == (1, 4, 16, 16)


def test_slabs_and_volumes_of_a_canvas():
    slabs, volumes = torch.rand(2, 3, 2, 32, 32), torch.rand(2, 3, 16, 16, 16)
    keys = {"modalities": 3, "width": 4, "layers": 2}
    assert CanvasPatchGAN(dimensions=2, depth=2, **keys)(slabs, slabs).shape == (2, 3, 8, 8)
    assert CanvasPatchGAN(dimensions=3, **keys)(volumes, volumes).shape == (2, 3, 4, 4, 4)
