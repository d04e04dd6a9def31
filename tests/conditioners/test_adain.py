import torch
import torch.nn.functional as F

from anysyn.conditioners import AdaIN
from anysyn.descriptors import ModalityLabel
from anysyn.types import Condition, Site

SITE = "decoder/block0"


def test_it_is_an_instance_norm_with_scale_shift_and_weights_from_the_code():
    torch.manual_seed(0)
    adain = AdaIN(sites=[Site(SITE, 6)], reads=ModalityLabel(modalities=4, width=5))
    for parameter in adain.heads.parameters():
        torch.nn.init.normal_(parameter)
    features, code = torch.randn(3, 6, 7, 8), torch.randn(3, 5)
    gamma, beta, omega = adain.at(adain.heads, SITE)(code).chunk(3, 1)
    expected = torch.stack(
        [
            2
            * omega[i].sigmoid()[:, None, None]
            * (F.instance_norm(features[i : i + 1])[0] * (1 + gamma[i])[:, None, None] + beta[i][:, None, None])
            for i in range(3)
        ]
    )
    condition = Condition(torch.zeros(3, 1, 5), code.unsqueeze(1))
    torch.testing.assert_close(adain(features, condition, SITE), expected, atol=1e-5, rtol=1e-4)


def test_without_weights_it_has_a_third_less_to_learn():
    both = [AdaIN(sites=[Site(SITE, 6)], reads=ModalityLabel(modalities=4, width=5), weights=w) for w in (True, False)]
    counts = [sum(p.numel() for p in one.heads.parameters()) for one in both]
    assert counts[0] * 2 == counts[1] * 3
