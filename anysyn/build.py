"""Build the networks of a recipe and the other parts that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import nn

from anysyn import registry
from anysyn.data.views import View
from anysyn.errors import RecipeError, reason
from anysyn.files.yaml_tree import Keys
from anysyn.nn.layout import without_memory, without_values
from anysyn.nn.warm_start import common_weights
from anysyn.objectives.synthesis import refuse_whole_images
from anysyn.plugins import enrol
from anysyn.recipe import Recipe, Stage
from anysyn.recipe.check import GivenUpError, Report, check, inner_of, nested, short
from anysyn.recipe.code import check_code
from anysyn.recipe.read import read
from anysyn.recipe.references import with_references
from anysyn.recipe.sections import Step, nowhere
from anysyn.registry import find, is_given, parameters, suggest
from anysyn.types import Decoder, Encoder, ImageTextModel, Loss, Site


def load(recipe: str | Path, overrides: str | Iterable[str] = (), *, lay_out: bool = True) -> Recipe:
    """Read and check a recipe.

    The networks are built without memory, so that a conditioner at a site that does not exist is reported together with
    all other mistakes, before any data is read.

    Args:
        recipe: A YAML file, or the name of a recipe that comes with anysyn.
        overrides: Each ``path.to.key=value``.
        lay_out: Whether the networks are checked too. Those of a run were checked before its training, and synthesis
            does not need all of them, for example a CLIP from the hub.

    Raises:
        RecipeError: With one line for each mistake, and one for each installed plugin that does not load; or if the
            recipe names local code that nobody allowed (`allow_code`).

    Example:
        >>> load("small/label", ["seed=3"]).seed
        3
    """
    broken, source = enrol(), read(recipe, overrides)
    check_code(source)
    checked, report = check(source)
    if lay_out:
        with without_memory():
            _Builder(checked, report).everything()
    if report.mistakes:
        raise RecipeError("\n".join([str(report.error()), *broken]))
    return checked


def parts(recipe: Recipe, only: Iterable[str] | None = None, *, untrained: bool = True) -> nn.ModuleDict:
    """Build a recipe's networks, with weights drawn from its seed.

    Args:
        recipe: The checked recipe.
        only: Names of the parts to build, with the parts that they refer to. All by default. Initial weights differ
            from those of a whole build if a part that comes earlier is left out.
        untrained: Whether published weights that a part starts from are read; the weights of a run replace them anyway.

    Example:
        >>> list(parts(load("small/label")))
        ['synthesizer']
    """
    wanted = recipe.parts if only is None else with_references(recipe.parts, only)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return _Builder(replace(recipe, parts=wanted), given={"untrained": untrained}).parts()


def named(recipe: Recipe, contract: type[nn.Module]) -> list[str]:
    """Return the names of the parts of a class, in order, without building them.

    Args:
        recipe: The checked recipe.
        contract: The class, for example ``ImageTextModel``; that of a factory function is read from its annotation.

    Example:
        >>> from anysyn.synthesizer import Synthesizer
        >>> named(load("small/label"), Synthesizer)
        ['synthesizer']
    """
    return [name for name, spec in recipe.parts.items() if issubclass(_class_of(find("part", spec["name"])), contract)]  # type: ignore[index]


def _class_of(factory: Any) -> type[Any]:
    built = factory if isinstance(factory, type) else get_type_hints(factory).get("return")
    return built if isinstance(built, type) else object


def make(recipe: Recipe, spec: Any, kind: str, built: Mapping[str, nn.Module] | None = None, **given: Any) -> Any:
    """Build one registered part of a recipe that is not a network: a view, a sampler, an objective, an optimiser.

    Args:
        recipe: The checked recipe.
        spec: The part's mapping.
        kind: Its kind.
        built: The networks that ``"@name"`` refers to.
        given: Other arguments that the recipe does not set, for example the parameters of an optimiser.
    """
    builder = _Builder(recipe, built=dict(built or {}))
    builder.given |= {"names": tuple(recipe.modalities), "modalities": len(recipe.modalities)} | given
    return builder.part(kind, spec, ())


def first_gap(spans: Iterable[range], end: int) -> int | None:
    """Return the first whole number below ``end`` that is in none of the spans; None if there is none.

    Example:
        >>> first_gap([range(4, 6), range(0, 3)], 6), first_gap([range(0, 10**12)], 10**12)
        (3, None)
    """
    at = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start <= at:
            at = max(at, span.stop)
    return at if at < end else None


@dataclass
class _Builder:
    recipe: Recipe
    report: Report | None = None
    built: dict[str, nn.Module] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)

    def everything(self) -> None:
        """Build the parts, then those of the stages, as far as the mistakes allow."""
        needs = (("modalities",), ("data", "view"))
        lacking = self.recipe.data is None or self.recipe.modalities is None
        if self.report is None or lacking or any(self.report.within(path) for path in needs):
            return
        self.parts()
        for key, kind in (("prepare", "prepare"), ("augment", "augment"), ("augment_sources", "augment")):
            for i, spec in enumerate(getattr(self.recipe.data, key) or ()):
                self.sound(kind, spec, ("data", key, i))
        for i, stage in enumerate(self.recipe.stages or ()):
            self.idle(stage, ("stages", i))
            self.warm_starts(stage, ("stages", i, "warm_start"))
            for kind in ("batches", "queries"):
                self.sound(kind, getattr(stage, kind, None), ("stages", i, kind))
            own = getattr(stage, "view", None)
            view = self.sound("view", own or self.recipe.data.view, ("stages", i, "view") if own else ("data", "view"))
            for j, step in enumerate(getattr(stage, "steps", None) or ()):
                path = ("stages", i, "steps", j)
                objective = self.sound("objective", getattr(step, "objective", None), (*path, "objective"))
                self.fits(objective, view, ("stages", i, "view") if own else (*path, "objective"))
                self.sound("schedule", getattr(step, "schedule", None), (*path, "schedule"))
                self.learns(stage, step, (*path, "train"))

    def fits(self, objective: nn.Module | None, view: View | None, path: Keys) -> None:
        """Report a network or a loss of an objective that does not fit the view of its stage."""
        if self.report is None or objective is None or view is None or self.report.within(path):
            return
        for module in objective.modules():
            made_for = getattr(module, "dimensions", view.dimensions)
            too_flat = isinstance(module, ImageTextModel) and made_for > view.dimensions  # one of slices cuts volumes
            if too_flat or (isinstance(module, Encoder) and made_for != view.dimensions):
                what = f"{type(module).__name__} sees images with {made_for} voxel axes"
                self.report.say(path, f"{what}, but the stage shows ones with {view.dimensions}; see its `view`")
                return
        try:
            refuse_whole_images(getattr(objective, "losses", ()) if view.points else ())
        except RecipeError as error:
            self.report.say(path, str(error))

    def idle(self, stage: Stage, path: Keys) -> None:
        """Report a step that is active in no epoch, and an epoch without an active step."""
        if self.report is None or self.report.within(path) or stage.epochs == 0:
            return
        active = [step.active(stage.epochs) for step in stage.steps]
        for j, step in enumerate(stage.steps):
            if not active[j]:
                span = f"begin {step.begin}, end {step.end}"
                self.report.say(
                    (*path, "steps", j), f"active in no epoch of {stage.epochs} ({span}), so it never learns"
                )
        idle = first_gap(active, stage.epochs)
        if idle is not None:
            message = f"no step is active in epoch {idle} of {stage.epochs}; see begin and end"
            self.report.say((*path, "steps"), message)

    def learns(self, stage: Stage, step: Step, path: Keys) -> None:
        """Report names that a step trains and no network has, unless a part with a mistake might have had them."""
        if self.report is None or stage.epochs == 0 or set(self.built) != set(self.recipe.parts or {}):
            return
        names = [name for name, _ in nn.ModuleDict(self.built).named_parameters()]
        for message in nowhere(getattr(step, "train", None) or (), names):
            self.report.say(path, message)

    def warm_starts(self, stage: Stage, path: Keys) -> None:
        """Report a warm start between parts that have no weights in common."""
        if self.report is None or self.report.within(path):
            return
        for to, of in (getattr(stage, "warm_start", None) or {}).items():
            for name in (to, of):
                if name not in (self.recipe.parts or {}):
                    self.report.say(
                        (*path, to), f"no part is called {name!r}; {suggest(name, self.recipe.parts or {})}"
                    )
            if to in self.built and of in self.built and not common_weights(self.built[to], self.built[of]):
                self.report.say((*path, to), f"{of!r} has no weight with a name and a shape of {to!r}")

    def parts(self) -> nn.ModuleDict:
        view = self.sound("view", self.recipe.data.view, ("data", "view"))
        if view is None:
            return nn.ModuleDict()
        names = tuple(self.recipe.modalities)
        self.given |= {"modalities": len(names), "names": names, "dimensions": view.dimensions, "depth": view.depth}
        for name, spec in (self.recipe.parts or {}).items():
            part = self.sound("part", spec, ("parts", name))
            if part is not None and self.has_values(part, ("parts", name)):
                self.built[name] = part
        return nn.ModuleDict(self.built)

    def has_values(self, part: nn.Module, path: Keys) -> bool:
        """Report a network with a layer of no width."""
        empty = None if self.report is None else without_values(part)
        if self.report is not None and empty:
            self.report.say(path, f"its weight {empty} has no values; make every width at least 1")
        return empty is None

    def sound(self, kind: str, spec: Any, path: Keys) -> Any:
        """Build a part unless it has a mistake, and report the mistakes that only building reveals."""
        if self.report is None:
            return self.part(kind, spec, path)
        if self.report.within(path) or spec is None:
            return None
        try:
            return self.part(kind, spec, path)
        except GivenUpError:
            raise
        except RecipeError as error:
            if not self.report.within(path) and not self.follows(spec):
                self.report.say(path, str(error))
            return None

    def follows(self, spec: Any) -> bool:
        """Return whether a part failed only because a part that it refers to has a mistake."""
        if isinstance(spec, Mapping):
            return any(self.follows(item) for item in spec.values())
        if isinstance(spec, (list, tuple)):
            return any(self.follows(item) for item in spec)
        referred = isinstance(spec, str) and spec.startswith("@")
        return referred and self.report is not None and self.report.within(("parts", spec[1:]))

    def part(self, kind: str, spec: Any, path: Keys, given: Mapping[str, Any] | None = None) -> Any:
        """Build one part; widths, strides and sites of a nested part are given to the nested parts after it."""
        if isinstance(spec, str):
            return self.reference(spec, path)
        given = dict(self.given if given is None else given)
        spec = dict(spec)
        factory = find(kind, spec.get("name"))
        for key, (annotation, _) in parameters(factory).items():
            if key in spec and not is_given(annotation):
                spec[key] = self.value(annotation, spec[key], (*path, key), given)
        for_build = {key: spec.pop(key, None) for key in getattr(factory, "for_build", {})}
        if "at" in for_build:
            given["sites"] = self.sites(for_build["at"], (*path, "at"), given.get("sites", ()))
        try:
            made = registry.build(kind, spec, **given)
        except RecipeError:
            raise
        except (ValueError, TypeError) as error:
            raise RecipeError(f"{kind} {spec['name']!r}: {reason(error)}") from error
        except Exception as error:
            if torch.get_default_device().type != "meta":
                raise  # of a recipe that was checked: a fault of the part
            wrong = f"cannot be built from {short(spec)}: {type(error).__name__}: {reason(error)}"
            raise RecipeError(f"{kind} {spec['name']!r} {wrong}; see its keys in `anysyn list {kind}`") from error
        if isinstance(made, Loss):
            made.label = for_build.get("label") or spec["name"]
        return made

    def value(self, annotation: Any, value: Any, path: Keys, given: dict[str, Any]) -> Any:
        kind = getattr(annotation, "kind", None)
        if isinstance(value, str) and value.startswith("@"):
            return self.fitting(annotation, value, path)
        if isinstance(kind, str):
            part = self.part(kind, value, path, given)
            if isinstance(part, (Encoder, Decoder)):
                given |= {name: getattr(part, name) for name in ("widths", "strides") if hasattr(part, name)}
                given["sites"] = (*given.get("sites", ()), *part.sites)
            return part
        if not nested(annotation) or value is None:
            return value
        inner = inner_of(annotation)
        if isinstance(value, Mapping) and "name" not in value:
            return {key: self.value(inner, item, (*path, key), given) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(inner, item, (*path, i), given) for i, item in enumerate(value)]
        return self.value(inner, value, path, given)

    def sites(self, at: str | Sequence[str], path: Keys, sites: Sequence[Site]) -> list[Site]:
        globs = [at] if isinstance(at, str) else at
        for glob in globs:
            if not any(fnmatchcase(site.name, glob) for site in sites):
                message = f"no site matches {glob!r}; {suggest(glob, [site.name for site in sites])}"
                if self.report is None:
                    raise RecipeError(message)
                self.report.say(path, message)
        return [site for site in sites if any(fnmatchcase(site.name, glob) for glob in globs)]

    def fitting(self, annotation: Any, value: str, path: Keys) -> Any:
        """Return the part that is referred to, which must be of the annotated class."""
        part = self.reference(value, path)
        if isinstance(annotation, type) and not isinstance(part, annotation):
            raise RecipeError(f"{value!r} is a {type(part).__name__}, but {path[-1]} must be a {annotation.__name__}")
        return part

    def reference(self, value: str, path: Keys) -> Any:
        if value[1:] in self.built:
            return self.built[value[1:]]
        message = f"{value!r} is not built yet; a part may refer to those above it: {', '.join(self.built) or 'none'}"
        raise RecipeError(message)
