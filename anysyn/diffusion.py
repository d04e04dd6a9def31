"""Synthesis by denoising: the same network asked repeatedly, from noise to an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from anysyn.conditioners import Conditioner
from anysyn.ops import among, pad_to_multiple, pick, spread
from anysyn.points import Places, sample_at
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Decoder, Descriptor, Encoder, Features, Query, Synthesis

NoiseSchedule = Literal["linear_beta", "scaled_linear_beta", "sigmoid_beta", "cosine"]
Answer = Literal["noise", "image", "velocity"]
PREDICTIONS: dict[Answer, str] = {"noise": "epsilon", "image": "sample", "velocity": "v_prediction"}  # MONAI's names


@register("part", "diffusion")
class Diffusion(Synthesizer):
    """Answer a query by denoising: DDPM in training, DDIM in synthesis (Ho et al., 2020; Song et al., 2021).

    The encoder is shown the sources and behind them the target with noise, at the target's channel of a ``canvas`` or,
    with ``inputs: stack``, as one source more. Images of 0 to 1 are brought to -1 to 1.

    Every image begins from the same noise, drawn from ``seed``, and DDIM adds none. So the answer depends neither on
    what is asked beside it nor on the order, and neighbouring slices do not flicker.

    Args:
        encoder: Sources and the noisy target to features.
        decoder: Features to what the network answers.
        conditioners: What acts at the sites of both, in order; one of them reads ``time``.
        times: Diffusion times of the training.
        schedule: How the noise grows with the time, one of MONAI's.
        answers: What the network says of a noisy image: its ``noise``, as DDPM, the ``image`` without it, which is
            learned in far fewer steps where a source is shown, or the ``velocity`` between the two (Salimans and Ho,
            ICLR 2022).
        steps: Times of the synthesis, evenly spaced.
        seed: Of the noise that synthesis begins with.

    Raises:
        ValueError: If nothing tells the network the time, or the steps are not from 1 to ``times``.

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
        times: int = 1000,
        schedule: NoiseSchedule = "linear_beta",
        answers: Answer = "noise",
        steps: int = 50,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder=encoder, decoder=decoder, conditioners=conditioners)
        if not 1 <= steps <= times:
            raise ValueError(f"steps: {steps} is not from 1 to the {times} times of the training")
        if not any(isinstance(one, Descriptor) and one.reads_time for one in self.conditioners.modules()):
            raise ValueError(
                "nothing tells the network how much noise it sees; add the conditioner "
                '{name: add, at: "*/embedding", reads: {name: time}}, or film at "*/block*" in other networks'
            )
        self.times, self.steps, self.seed, self.answers = times, steps, seed, answers
        self.scheduler = _scheduler(times, schedule, PREDICTIONS[answers])

    def forward(self, batch: Batch, query: Query, places: Places | None = None) -> Synthesis:
        """Synthesize the targets.

        Args:
            batch: What exists.
            query: What is shown and what is asked.
            places: Where to answer; None for the grid of the input.

        Returns:
            Images (B, K, *S), (B, K, Q) at points or (B, K, *N) on a lattice, and the features of the last denoising.

        Raises:
            ValueError: If a target is among the sources.
        """
        answers = [self._sample(batch, one) for one in query.one_by_one()]
        images = torch.cat([image for image, _ in answers], 1)  # (B, K, *S)
        return Synthesis(images if places is None else sample_at(images, places), answers[-1][1])

    def encode(self, batch: Batch, query: Query) -> Features:
        """Encode the sources beside the target as far as it is known, and decode nothing.

        Args:
            batch: What exists.
            query: What is shown, and the target, of which the first counts: without noise, at time 0, where it is shown
                itself, otherwise as the noise that synthesis begins with.
        """
        one = next(query.one_by_one())
        if bool(among(one.targets, one.sources).all()):
            return self._encoded(batch, self._told(one, 0), 2 * pick(batch.images, one.targets) - 1)[0]
        return self._encoded(batch, self._told(one, self.times - 1), self._first_noise(batch))[0]

    def denoise(self, batch: Batch, query: Query, noisy: Tensor) -> tuple[Tensor, Features]:
        """Ask the network about a noisy image.

        Args:
            batch: What exists.
            query: What is shown, the one target, and the time.
            noisy: (B, 1, *S), the target of about -1 to 1 with noise.

        Returns:
            The noise, the image or the velocity, (B, 1, *S), and the features that it was read off.

        Raises:
            ValueError: If the target is among the sources.
        """
        if not query.targets.is_meta and bool(among(query.targets, query.sources).any()):
            raise ValueError("part diffusion was asked for what it is shown; its noise would hide the source")
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

    def wanted(self, clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return what the network should say of images mixed with noise: the noise, the image, or the velocity.

        Args:
            clean: (B, 1, *S), of about -1 to 1.
            noise: (B, 1, *S), of unit variance.
            time: (B,) int64, below ``times``.
        """
        if self.answers == "velocity":
            velocity: Tensor = self.scheduler.get_velocity(clean, noise, time)
            return velocity
        return noise if self.answers == "noise" else clean

    def _encoded(
        self, batch: Batch, query: Query, noisy: Tensor
    ) -> tuple[Features, Callable[[], Tensor], tuple[slice, ...]]:
        # The features, what decodes them, and where the images lie in what it answers.
        shown = torch.cat([query.sources, query.targets], 1)  # (B, J + 1)
        places = spread(query.targets, noisy).expand_as(noisy)  # (B, 1, *S)
        images = batch.images.to(noisy.dtype).scatter(1, places, noisy)  # (B, M, *S)
        images, back = pad_to_multiple(images, self.encoder.strides[-1], self.encoder.dimensions)  # (B, M, *S padded)
        modulate = self.conditioners.modulate(self.conditioners.embed(batch, query))
        features: Features = self.encoder(images, shown, modulate)
        return features, lambda: self.decoder(features, query.targets, modulate), back

    def _sample(self, batch: Batch, query: Query) -> tuple[Tensor, Features]:
        x = self._first_noise(batch)  # (B, 1, *S)
        for time in self._sampling_times(batch.images):
            said, features = self.denoise(batch, self._told(query, time), x)
            x, _ = self.scheduler.step(said, time, x)  # (B, 1, *S)
        return (x + 1) / 2, features

    def _sampling_times(self, images: Tensor) -> list[int]:
        # The scheduler's `step` goes down by this stride. The times that it lists itself lie a little further apart, so
        # that an image would be taken for one with less noise than it has.
        stride = self.times // self.steps
        self.scheduler.num_inference_steps = self.steps
        every = list(range(self.times - 1, -1, -stride))
        return every[:1] if images.is_meta else every  # a layout without memory: one step stands for all

    def _first_noise(self, batch: Batch) -> Tensor:
        shape = batch.images.shape[2:]
        noise = torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(self.seed), device="cpu")
        return noise.to(batch.images.device).expand(len(batch.images), 1, *shape)  # (B, 1, *S)

    def _told(self, query: Query, time: int) -> Query:
        return replace(query, time=torch.full((len(query.targets),), time, device=query.targets.device))


def _scheduler(times: int, schedule: NoiseSchedule, prediction: str) -> Any:
    from monai.networks.schedulers import DDIMScheduler

    with torch.device("cpu"):  # its tensors are no weights, and it reads numbers off them
        return DDIMScheduler(num_train_timesteps=times, schedule=schedule, prediction_type=prediction)
