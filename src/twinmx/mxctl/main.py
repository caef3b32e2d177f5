"""The command line, put together from its groups."""

import typer

app = typer.Typer(
    help="Ask and steer the mail exchanger on this host.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def _root() -> None:
    """Commands are added by the groups beside this module."""
