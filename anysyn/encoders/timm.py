"""Any two-dimensional backbone of the library timm as an encoder."""

from __future__ import annotations

from torch import Tensor

from anysyn.bounds import Count
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.backbones import pyramid
from anysyn.nn.blocks import modulated_levels, pyramid_sites
from anysyn.nn.unetr import residual_block
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("encoder", "timm")
class TimmEncoder(JointEncoder):
    """Backbone of timm for slices or slabs, with a residual block at full resolution above it.

    Any timm model with ``features_only`` works: ResNet, ConvNeXt, EfficientNet, MaxViT and many more
    (``timm.list_models()``). Decoders such as ``cnn`` and ``swin_unetr`` read its pyramid.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Voxel axes of the network; it has two.
        depth: Slices of a slab; they become channels. 1 for slices.
        backbone: Name in timm, for example ``resnet34`` or ``convnext_tiny.fb_in1k``.
        pretrained: Whether training starts from the published weights, from the hub or its cache.
        width: Channels of the level at full resolution.
        untrained: Whether initial weights are needed; False for a trained run, which loads its own.

    Raises:
        RecipeError: If the network has three voxel axes, or timm cannot build the backbone.

    Example:
        >>> import torch
        >>> encoder = TimmEncoder(modalities=4, dimensions=2, backbone="test_resnet", width=8)
        >>> features = encoder(torch.rand(3, 4, 64, 64), torch.tensor([[0, 2]] * 3))
        >>> [x.shape[1] for x in features.skips], tuple(features.deep.shape), encoder.strides
        ([8, 32, 32, 48, 192], (3, 96, 2, 2), (1, 2, 4, 8, 16, 32))
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        backbone: str = "resnet34",
        pretrained: bool = False,
        width: Count = 32,
        inputs: Inputs = "canvas",
        sources: Count = 1,
        untrained: Given[bool] = True,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if dimensions != 2:
            raise RecipeError("encoder timm sees slices and slabs, not patches with three axes; take another encoder")
        self.full = residual_block(dimensions, self.channels, width)
        self.backbone, widths, strides = pyramid(backbone, self.channels, pretrained=pretrained and untrained)
        self.widths, self.strides = (width, *widths), (1, *strides)
        self.sites = pyramid_sites(self.widths, ())

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        return modulated_levels((self.full(x), *self._levels(x)), modulate)  # (B, C_i, *S / stride_i) each

    def _levels(self, x: Tensor) -> list[Tensor]:
        # Swin-like models of timm have the channels last.
        last = str(getattr(self.backbone, "output_fmt", "NCHW")).endswith("NHWC")
        return [level.permute(0, 3, 1, 2) if last else level for level in self.backbone(x)]
