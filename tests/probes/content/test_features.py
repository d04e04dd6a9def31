"""Maps: which part of an image a cell averages, and what leaves the encoder."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion
from toys import PROMPTED, SHAPES, conditioner_of, decoder_of, encoder_of

from anysyn.acquisition import Acquisition
from anysyn.data.views import Patches, Slices
from anysyn.data.volumes.study import Study
from anysyn.objectives.embedding import alone
from anysyn.probes.content.features import encode_tiles, pool_cells
from anysyn.synthesizer import Synthesizer
from anysyn.training.devices import Hardware
from anysyn.types import unmodulated


def test_cells_average_the_foreground_alone():
    generator = torch.Generator().manual_seed(0)
    features, foreground = torch.rand(2, 3, 8, 12, generator=generator), torch.zeros(2, 8, 12)
    foreground[:, 1:8, 2:12] = 1
    means, inside = pool_cells(features, foreground, stride=1, cells=4)
    mostly = np.stack(
        [[foreground[0, 2 * y : 2 * y + 2, 3 * x : 3 * x + 3].mean() >= 0.5 for x in range(4)] for y in range(4)]
    )
    wanted = binary_erosion(mostly, np.ones((3, 3)), border_value=1)
    assert wanted.sum() == 8
    assert inside[0].tolist() == wanted.ravel().tolist()
    for row in range(4):
        for column in range(4):
            cell = (slice(2 * row, 2 * row + 2), slice(3 * column, 3 * column + 3))
            mask = foreground[0][cell] > 0
            if inside[0, 4 * row + column]:
                wanted = features[0, :, cell[0], cell[1]][:, mask].mean(1)
                torch.testing.assert_close(means[0, :, 4 * row + column], wanted)


def test_the_foreground_follows_a_network_that_pads_and_strides():
    foreground = torch.zeros(1, 9, 16)
    foreground[:, 8:] = 1
    features = torch.arange(4.0).reshape(1, 1, 2, 2)  # of an image padded to 16 x 16
    assert not pool_cells(features, foreground, stride=8, cells=2)[1].any(), "one voxel of eight is foreground"
    foreground = torch.zeros(1, 25, 16)
    foreground[:, :24] = 1
    features = torch.arange(8.0).reshape(1, 1, 4, 2)  # of an image padded to 32 x 16
    means, inside = pool_cells(features, foreground, stride=8, cells=4)
    assert inside[0].reshape(4, 4).all(1).tolist() == [True, True, False, False]
    assert means[0, 0].reshape(4, 4)[:2].tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]


def test_slices_stacked_as_channels_count_together():
    foreground = torch.zeros(1, 4, 6, 6)
    foreground[:, :1] = 1
    assert not pool_cells(torch.rand(1, 2, 6, 6), foreground, stride=1, cells=3)[1].any()
    foreground[:, :2] = 1
    assert pool_cells(torch.rand(1, 2, 6, 6), foreground, stride=1, cells=3)[1].all()


def study(shape=(16, 24, 10), held=("T1w", "T2w")):
    generator = torch.Generator().manual_seed(1)
    images = {name: torch.rand(*shape, generator=generator) + 0.1 for name in held}
    records = {name: Acquisition(modality=name) for name in held}
    return Study("sub-01", "A", images, np.eye(4), torch.ones(shape, dtype=torch.bool), records)


def network(name, dimensions, at):
    encoder = encoder_of("unet", dimensions)
    decoder = decoder_of("cnn", encoder)
    sites = [site for site in (*encoder.sites, *decoder.sites) if site.name in at]
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[conditioner_of(name, sites, dimensions)]).eval()


def found(model, view, most=3, **options):
    one = study(**options)
    given = {"view": view, "modalities": PROMPTED, "hardware": Hardware(), "size": 2, "most": most}
    return one, encode_tiles(model, one, **given)


def test_the_contrast_is_taken_off_and_can_be_put_back():
    model = network("alpha_beta", 2, ("encoder/out", "decoder/in"))
    _, tiles = found(model, Slices())
    assert [round(tile.place[2], 2) for tile in tiles] == [0.05, 0.45, 0.95]
    assert tiles[0].modalities == (0, 2)
    (batch,) = (SimpleNamespace(images=torch.zeros(1, 4, 16, 24), acquisitions=()),)
    batch.images[0, 0] = study().images["T1w"][:, :, 0]
    raw = model.encoder(batch.images, alone(batch, 0).sources, unmodulated).deep  # (1, C, 4, 6)
    wanted, inside = pool_cells(raw.detach(), torch.ones(1, 16, 24), stride=4, cells=32)
    torch.testing.assert_close(tiles[0].before().features[0], wanted[0], atol=1e-5, rtol=1e-4)
    assert torch.equal(tiles[0].inside, inside[0])
    assert not torch.allclose(tiles[0].features[0], wanted[0], atol=1e-2)


@pytest.mark.parametrize(
    ("name", "at"), [("add", ("decoder/in",)), ("film", ("decoder/in",)), ("add", ("encoder/out",))]
)
def test_a_network_without_scale_and_shift_there_has_nothing_to_put_back(name, at):
    _, tiles = found(network(name, 2, at), Slices())
    assert all(tile.contrast is None and tile.before() is tile for tile in tiles)


def test_volumes_and_all_tiles():
    _, tiles = found(network("add", 3, ("decoder/in",)), Patches(size=SHAPES[3]), most=100)
    assert len(tiles) > 3
    assert tiles[0].features.shape[2] == tiles[0].inside.numel() == 16**3
