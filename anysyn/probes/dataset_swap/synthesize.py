"""Asked as: what is synthesized of one subject when it counts as coming from one dataset or another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from anysyn.data.records import Subject
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair, by_sources, parse_pairs
from anysyn.probes.dataset_swap.histograms import Histogram, histogram
from anysyn.registry import suggest
from anysyn.synthesis.dataset_request import reads_dataset
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.missing_contrasts import Trained


def wanted_pairs(text: str | None, modalities: Sequence[str], covered: Mapping[str, Collection[str]]) -> list[Pair]:
    """Read the pairs that are asked for.

    Args:
        text: ``"T1w:T2w,T1w+T2w:FLAIR"``; ``"all"`` or None for no choice of pairs.
        modalities: Names that the run knows, in order.
        covered: By modality, the datasets that have it.

    Returns:
        The pairs; none where there is no choice.

    Raises:
        EvaluationError: If a pair cannot be read, or fewer than two datasets have its target.

    Example:
        >>> names, covered = ["T1w", "T2w", "ADC"], {"T1w": ["A", "B"], "T2w": ["A", "B"], "ADC": ["B"]}
        >>> wanted_pairs("T1w:ADC", names, covered)
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: pair T1w:ADC: of the training's datasets B alone has ADC; \
choices: T1w, T2w
    """
    if text is None or text.strip().lower() == "all":
        return []
    pairs = parse_pairs(text, modalities)
    able = [name for name, held in covered.items() if len(held) > 1]
    for pair in pairs:
        if pair.target not in able:
            held = f"{', '.join(covered[pair.target]) or 'none'} alone has {pair.target}"
            raise EvaluationError(f"pair {pair}: of the training's datasets {held}; {suggest(pair.target, able)}")
    return list(pairs)


def pairs_of(
    subject: Subject, covered: Mapping[str, Collection[str]], wanted: Sequence[Pair], trained: Trained
) -> list[Pair]:
    """Say from which of a subject's images which targets are synthesized; it need not have the target itself.

    Args:
        subject: Whose dataset has to have the target, as has another one.
        covered: By modality, the datasets that have it.
        wanted: The pairs that are asked for; each target from all other images of the subject, if there is none.
        trained: What the run may be shown and asked for.

    Example:
        >>> one = Subject("sub-01", "A", dict.fromkeys(["T1w", "T2w"]), {}, {})
        >>> covered, trained = {"T2w": ["A", "B"], "ADC": ["B", "C"]}, Trained(["T1w", "T2w"], ["T2w", "ADC"], 2)
        >>> [str(pair) for pair in pairs_of(one, covered, [], trained)]
        ['T1w:T2w']
    """
    able = [name for name, held in covered.items() if len(held) > 1 and subject.dataset in held]
    if wanted:
        return [pair for pair in wanted if pair.target in able and set(pair.sources) <= subject.images.keys()]
    held = [name for name in trained.sources if name in subject.images]
    pairs = [Pair(tuple(name for name in held if name != target)[: trained.most], target) for target in able]
    return [pair for pair in pairs if pair.sources and pair.target in trained.targets]


def answers(
    run: LoadedRun, study: Study, pairs: Sequence[Pair], covered: Mapping[str, Collection[str]], batch: int
) -> dict[Pair, dict[str, Histogram]]:
    """Synthesize the target of each pair as coming from each dataset that has it.

    Args:
        run: What synthesizes; one that is not told of datasets is asked once, since its answer is always the same.
        study: A prepared subject.
        pairs: What is shown and asked for.
        covered: By modality, the datasets that have it.
        batch: Slices or patches at once.

    Returns:
        By pair and dataset, the intensities inside of the subject's foreground.

    Raises:
        UserError: If the network does not know a dataset.
    """
    if not reads_dataset(run.model):
        same = _seen(run, study, pairs, batch)
        return {pair: dict.fromkeys(covered[pair.target], one) for pair, one in same.items()}
    found: dict[Pair, dict[str, Histogram]] = {pair: {} for pair in pairs}
    for name in dict.fromkeys(name for pair in pairs for name in covered[pair.target]):
        asked = [pair for pair in pairs if name in covered[pair.target]]
        for pair, one in _seen(run.treat_as(name), study, asked, batch).items():
            found[pair][name] = one
    return found


def _seen(run: LoadedRun, study: Study, pairs: Sequence[Pair], batch: int) -> dict[Pair, Histogram]:
    found = {}
    for sources, targets in by_sources(pairs).items():
        images = run.predict(study, sources, targets, batch)
        for target in targets:
            voxels = images[target].float().cpu()[study.foreground]
            found[Pair(sources, target)] = histogram(voxels.numpy())
    return found
