"""The command line: one module a command, no logic; what is heavy is imported by the command that needs it."""

from __future__ import annotations

import typer

from anysyn.cli import calibrate, check, complete, demo, doctor, evaluate, probe, report, synthesize, view
from anysyn.cli.images import cache, data, prepare, simulate
from anysyn.cli.sharing import cite, export, importing, models, pack, push
from anysyn.cli.terminal.stoppable import StoppableCommands
from anysyn.cli.training import adapt, list_parts, schema, show, train

app = typer.Typer(
    name="anysyn",
    help="Any-to-any medical image synthesis. What it writes is synthetic and not for clinical use.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    cls=StoppableCommands,
)
app.command("list")(list_parts.list_)
app.command()(show.show)
app.command()(schema.schema)
app.command()(simulate.simulate)
app.command()(data.data)
app.command()(prepare.prepare)
app.command()(train.train)
app.command()(cache.cache)
app.command()(adapt.adapt)
app.command()(models.models)
app.command()(pack.pack)
app.command()(push.push)
app.command()(export.export)
app.add_typer(importing.app, name="import")
app.command()(synthesize.synthesize)
app.command()(calibrate.calibrate)
app.command()(check.check)
app.command()(complete.complete)
app.command()(evaluate.evaluate)
app.add_typer(probe.app, name="probe")
app.command()(report.report)
app.command()(view.view)
app.command()(demo.demo)
app.command()(cite.cite)
app.command()(doctor.doctor)
