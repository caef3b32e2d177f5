"""The command line, put together from its groups: each module beside this one has an `app` of its own."""

import typer

from twinmx.mxctl import alias, engine, quarantine, top

app = typer.Typer(
    help="Ask and steer the mail exchanger on this host.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Keep groups as groups, however many there are."""


app.add_typer(alias.app, name="alias")
app.add_typer(engine.app, name="engine")
app.add_typer(quarantine.app, name="quarantine")
app.command("top")(top.top)
