"""Synthesis by diffusion: a network applied repeatedly, from noise to an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from anysyn.bounds import Count, Seed
from anysyn.conditioners import Conditioner
from anysyn.ops import among, pad_to_multiple, pick, spread
from anysyn.points import Places, sample_at
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Decoder, Descriptor, Encoder, Features, Query, Synthesis

NoiseSchedule = Literal["linear_beta", "scaled_linear_beta", "sigmoid_beta", "cosine"]
Prediction = Literal["noise", "image", "velocity"]
PREDICTIONS = {"noise": "epsilon", "image": "sample", "velocity": "v_prediction"}  # MONAI's names


@register("part", "diffusion")
class Diffusion(Synthesizer):
    """Diffusion model: DDPM in training, DDIM in synthesis (Ho et al., 2020; Song et al., 2021).

    The encoder reads the sources and the noisy target: at the target's channel of a ``canvas`` or, with ``inputs:
    stack``, as one more source. Intensities are mapped from [0, 1] to [-1, 1].

    Every image starts from the same noise, drawn from ``seed``, and DDIM adds none. So a synthesis does not depend on
    the other targets or their order, and neighbouring slices do not flicker.

    Args:
        encoder: Sources and the noisy target to features.
        decoder: Features to the network's prediction.
        conditioners: Conditioners at the sites of both, in order; one of them reads ``time``.
        times: Number of diffusion times in training.
        schedule: Noise schedule, one of MONAI's.
        answers: What the network predicts from a noisy image: its ``noise``, as in DDPM; the clean ``image``, which
            takes far fewer training steps given a source; or the ``velocity`` (Salimans and Ho, ICLR 2022).
        steps: Number of times in synthesis, evenly spaced.
        seed: Seed of the initial noise.

    Raises:
        ValueError: If no conditioner reads the time, or ``steps`` is not from 1 to ``times``.

    Example:
        >>> from anysyn.build import load, parts
        >>> model = parts(load("small/baselines/ddpm", ["parts.synthesizer.steps=2"]))["synthesizer"].eval()
        >>> batch = Batch.complete(torch.rand(1, 3, 20, 24))
        >>> model(batch, Query(torch.tensor([[0]]), torch.tensor([[2]]))).images.shape
        torch.Size([1, 1, 20, 24])
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        decoder: Decoder,
        conditioners: Sequence[Conditioner] = (),
        times: Count = 1000,
        schedule: NoiseSchedule = "linear_beta",
        answers: Prediction = "noise",
        steps: Count = 50,
        seed: Seed = 0,
    ) -> None:
        super().__init__(encoder=encoder, decoder=decoder, conditioners=conditioners)
        if not 1 <= steps <= times:
            raise ValueError(f"steps: {steps} is not from 1 to the {times} times of the training")
        if not any(isinstance(part, Descriptor) and part.reads_time for part in self.conditioners.modules()):
            raise ValueError(
                "no conditioner reads the diffusion time; add "
                '{name: add, at: "*/embedding", reads: {name: time}}, or film at "*/block*" in other networks'
            )
        self.times, self.steps, self.seed, self.answers = times, steps, seed, answers
        self.scheduler = _scheduler(times, schedule, PREDICTIONS[answers])

    def forward(self, batch: Batch, query: Query, places: Places | None = None) -> Synthesis:
        """Synthesize the targets, as `Synthesizer` does; the features are those of the last denoising.

        Raises:
            ValueError: If a target is among the sources.
        """
        samples = [self._sample(batch, single) for single in query.one_by_one()]
        images = torch.cat([image for image, _ in samples], 1)  # (B, K, *S)
        return Synthesis(images if places is None else sample_at(images, places), samples[-1][1])

    def encode(self, batch: Batch, query: Query) -> Features:
        """Encode the sources and the first target, without decoding.

        A target that is also a source is encoded without noise, at time 0; any other as the initial noise of synthesis.
        """
        single = next(query.one_by_one())
        if bool(among(single.targets, single.sources).all()):
            return self._encoded(batch, _at_time(batch, single, 0), 2 * pick(batch.images, single.targets) - 1)[0]
        return self._encoded(batch, _at_time(batch, single, self.times - 1), self._first_noise(batch))[0]

    def denoise(self, batch: Batch, query: Query, noisy: Tensor) -> tuple[Tensor, Features]:
        """Apply the network to a noisy image.

        Args:
            batch: The available images.
            query: Sources, one target, and the time.
            noisy: (B, 1, *S), the target of about -1 to 1 with noise.

        Returns:
            The predicted noise, image or velocity, (B, 1, *S), and the features that it was decoded from.

        Raises:
            ValueError: If the target is among the sources.
        """
        if not query.targets.is_meta and bool(among(query.targets, query.sources).any()):
            raise ValueError("part diffusion: the target is among the sources, and its noise would hide it; remove one")
        features, decoded, back = self._encoded(batch, query, noisy)
        return decoded()[back].float(), features

    def noised(self, clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Mix images with noise: ``sqrt(a_t) x + sqrt(1 - a_t) e``.

        Args:
            clean: (B, 1, *S), of about -1 to 1.
            noise: (B, 1, *S), of unit variance.
            time: (B,) int64, below ``times``.
        """
        mixed: Tensor = self.scheduler.add_noise(clean, noise, time)
        return mixed

    def regression_target(self, clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return what the network is trained to predict: the noise, the clean image, or the velocity.

        The arguments are those of `noised`.
        """
        if self.answers == "velocity":
            velocity: Tensor = self.scheduler.get_velocity(clean, noise, time)
            return velocity
        return noise if self.answers == "noise" else clean

    def _encoded(
        self, batch: Batch, query: Query, noisy: Tensor
    ) -> tuple[Features, Callable[[], Tensor], tuple[slice, ...]]:
        # Returns the features, a function that decodes them, and the images' part of the padded output.
        inputs = torch.cat([query.sources, query.targets], 1)  # (B, J + 1)
        places = spread(query.targets, noisy).expand_as(noisy)  # (B, 1, *S)
        images = batch.images.to(noisy.dtype).scatter(1, places, noisy)  # (B, M, *S)
        images, back = pad_to_multiple(images, self.encoder.strides[-1], self.encoder.dimensions)  # (B, M, *S padded)
        modulate = self.conditioners.modulate(self.conditioners.embed(batch, query))
        features: Features = self.encoder(images, inputs, modulate)
        return features, lambda: self.decoder(features, query.targets, modulate), back

    def _sample(self, batch: Batch, query: Query) -> tuple[Tensor, Features]:
        x = self._first_noise(batch)  # (B, 1, *S)
        for time in self._sampling_times(batch.images):
            predicted, features = self.denoise(batch, _at_time(batch, query, time), x)
            x, _ = self.scheduler.step(predicted, time, x)  # (B, 1, *S)
        return (x + 1) / 2, features

    def _sampling_times(self, images: Tensor) -> list[int]:
        # The scheduler's `step` goes down by this stride. The times in its own list are a little further apart, so an
        # image would be treated as one with less noise than it has.
        stride = self.times // self.steps
        self.scheduler.num_inference_steps = self.steps
        every = list(range(self.times - 1, -1, -stride))
        return every[:1] if images.is_meta else every  # on the meta device one step stands for all

    def _first_noise(self, batch: Batch) -> Tensor:
        shape = batch.images.shape[2:]
        noise = torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(self.seed), device="cpu")
        return noise.to(batch.images.device).expand(len(batch.images), 1, *shape)  # (B, 1, *S)


def _at_time(batch: Batch, query: Query, time: int) -> Query:
    return replace(query, time=torch.full((len(batch.images),), time, device=batch.images.device))


def _scheduler(times: int, schedule: NoiseSchedule, prediction: str) -> Any:
    from monai.networks.schedulers import DDIMScheduler

    with torch.device("cpu"):  # its tensors are not weights, and it reads their values
        return DDIMScheduler(num_train_timesteps=times, schedule=schedule, prediction_type=prediction)
