"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from ..version import __version__
from . import files, names, results, run, score, site, tools, training

app = typer.Typer(
    name="fusionbench",
    help="The downstream-task benchmark for infrared-visible image fusion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The downstream-task benchmark for infrared-visible image fusion."""


app.command("run")(run.run)
app.command("fuse")(run.fuse)
app.command("config")(run.config)
app.command("score")(score.score)
app.command("report")(results.report)
app.command("compare")(results.compare)
app.command("merge")(results.merge)
app.command("site")(site.site)
app.command("view")(site.view)
app.command("list")(names.list_names)
app.command("info")(names.info)
app.add_typer(files.data_app, name="data")
app.add_typer(files.weights_app, name="weights")
app.command("train")(training.train)
app.command("ablate")(training.ablate)
app.command("init-method")(tools.init_method)
app.command("doctor")(tools.doctor)
