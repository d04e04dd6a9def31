"""Syntheses of one subject, treated as each dataset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from anysyn.data.records import Subject
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair, by_sources, parse_pairs
from anysyn.probes.dataset_swap.histograms import Histogram, count_intensities
from anysyn.registry import suggest
from anysyn.synthesis.completion.missing_contrasts import Trained
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.requests.dataset import reads_dataset


def read_pairs(text: str, modalities: Sequence[str], covered: Mapping[str, Collection[str]]) -> list[Pair]:
    """Read a choice of pairs.

    Args:
        text: ``"T1w:T2w,T1w+T2w:FLAIR"``; ``"all"`` for no choice.
        modalities: Names that the run knows, in order.
        covered: By modality, the datasets that have it.

    Returns:
        The pairs; none if there is no choice.

    Raises:
        EvaluationError: If a pair cannot be read, or fewer than two datasets have its target.

    Example:
        >>> names, covered = ["T1w", "T2w", "ADC"], {"T1w": ["A", "B"], "T2w": ["A", "B"], "ADC": ["B"]}
        >>> read_pairs("T1w:ADC", names, covered)
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: pair T1w:ADC: of the training's datasets B alone has ADC; \
choices: T1w, T2w
    """
    if text.strip().lower() == "all":
        return []
    pairs = parse_pairs(text, modalities)
    shared = [name for name, datasets in covered.items() if len(datasets) > 1]
    for pair in pairs:
        if pair.target not in shared:
            alone = f"{', '.join(covered[pair.target]) or 'none'} alone has {pair.target}"
            raise EvaluationError(f"pair {pair}: of the training's datasets {alone}; {suggest(pair.target, shared)}")
    return list(pairs)


def choose_pairs(
    subject: Subject, covered: Mapping[str, Collection[str]], wanted: Sequence[Pair], trained: Trained
) -> list[Pair]:
    """Choose sources and targets for a subject; it need not have the target itself.

    Args:
        subject: Whose dataset has to have the target, as has another one.
        covered: By modality, the datasets that have it.
        wanted: A choice of pairs; each target from all other images of the subject, if there is none.
        trained: The run's sources and targets.

    Example:
        >>> one = Subject("sub-01", "A", dict.fromkeys(["T1w", "T2w"]), {}, {})
        >>> covered, trained = {"T2w": ["A", "B"], "ADC": ["B", "C"]}, Trained(["T1w", "T2w"], ["T2w", "ADC"], 2)
        >>> [str(pair) for pair in choose_pairs(one, covered, [], trained)]
        ['T1w:T2w']
    """
    targets = [name for name, datasets in covered.items() if len(datasets) > 1 and subject.dataset in datasets]
    if wanted:
        return [pair for pair in wanted if pair.target in targets and set(pair.sources) <= subject.images.keys()]
    available = [name for name in trained.sources if name in subject.images]
    pairs = [Pair(tuple(name for name in available if name != target)[: trained.most], target) for target in targets]
    return [pair for pair in pairs if pair.sources and pair.target in trained.targets]


def synthesize_as_each(
    run: LoadedRun, study: Study, pairs: Sequence[Pair], covered: Mapping[str, Collection[str]], batch: int
) -> dict[Pair, dict[str, Histogram]]:
    """Synthesize the target of each pair, treating the subject as each dataset that has it.

    Args:
        run: If it is not conditioned on the dataset it synthesizes once, since all syntheses are the same.
        study: A prepared subject.
        pairs: Sources and targets.
        covered: By modality, the datasets that have it.
        batch: Slices or patches at once.

    Returns:
        By pair and dataset, the intensities inside the subject's foreground.

    Raises:
        UserError: If the network does not know a dataset.
    """
    if not reads_dataset(run.model):
        same = _synthesize(run, study, pairs, batch)
        return {pair: dict.fromkeys(covered[pair.target], histogram) for pair, histogram in same.items()}
    syntheses: dict[Pair, dict[str, Histogram]] = {pair: {} for pair in pairs}
    for name in dict.fromkeys(name for pair in pairs for name in covered[pair.target]):
        some = [pair for pair in pairs if name in covered[pair.target]]
        for pair, histogram in _synthesize(run.treat_as(name), study, some, batch).items():
            syntheses[pair][name] = histogram
    return syntheses


def _synthesize(run: LoadedRun, study: Study, pairs: Sequence[Pair], batch: int) -> dict[Pair, Histogram]:
    histograms = {}
    for sources, targets in by_sources(pairs).items():
        for target, image in run.predict(study, sources, targets, batch).items():
            histograms[Pair(sources, target)] = count_intensities(image.float().cpu()[study.foreground].numpy())
    return histograms
