"""The command that asks a run the question of a probe; each probe is a command of its own with its own options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.missing_values import CheckedCommands
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import BatchSize, Data, Device, Jobs, Overwrite, Results, Run, SplitName

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Probes(CheckedCommands):
    """The registered probes as commands, made when they are asked for: so the command line starts fast."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the probes."""
        from anysyn.probes.catalogue import probe_names

        return probe_names()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Make the command of a probe, or say which there are."""
        from anysyn.errors import RecipeError
        from anysyn.probes.catalogue import find_probe

        try:
            probe = find_probe(cmd_name)
        except RecipeError as error:
            ctx.fail(str(error))
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        one.command(cmd_name, help=inspect.getdoc(probe))(command_of(cmd_name, probe.options.model_fields))
        return typer.main.get_command(one)


app = typer.Typer(cls=Probes, no_args_is_help=True, help="Ask a run one question: anysyn probe --help lists them.")


def shared(
    run: Run,
    data: Data = None,
    split: SplitName = "test",
    out: Results = None,
    batch: BatchSize = 8,
    jobs: Jobs = 1,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Declare the arguments that all probes share; it is never called."""


def command_of(name: str, fields: dict[str, FieldInfo]) -> Callable[..., None]:
    """Return the command of a probe: the shared arguments and an option for each field of its own."""
    run, *options = inspect.signature(shared, eval_str=True).parameters.values()
    own = [_parameter(key, field) for key, field in fields.items()]

    def command(**given: Any) -> None:
        from anysyn.probes.ask import probe
        from anysyn.progress import Bar

        chosen = {key: value for key, value in given.items() if value is not None}
        attempt(
            lambda: printed(probe(name, **chosen, progress=Bar())),
            once_stopped=lambda: "call it again: what is finished is kept",
        )

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [run, *own, *(option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options)]
    )
    return allowing_code(command)


def _parameter(key: str, field: FieldInfo) -> inspect.Parameter:
    several = get_origin(field.annotation) is tuple
    hint: Any = list[get_args(field.annotation)[0]] if several else field.annotation  # type: ignore[misc]
    words = [f"--{key.replace('_', '-')}"] if hint is bool else []
    needed = field.is_required()
    least = next((limit.ge for limit in field.metadata if hasattr(limit, "ge")), None)
    shown = not (several or field.default is None)
    option = typer.Option(*words, help=field.description, show_default=shown, min=least)
    annotation: Any = Annotated[hint if needed else hint | None, option]
    default = inspect.Parameter.empty if needed else (None if several else field.default)
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
