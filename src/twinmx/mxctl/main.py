"""The command line, put together from its groups: each module beside this one has an `app` of its own."""

import typer
from typer.completion import completion_init  # type: ignore[attr-defined] # documented, not declared

from twinmx.mxctl import alias, drain, engine, failover, quarantine, queue, requeue, status, top

# Help as plain text, as in a manual page: it is read over slow lines, and put into docs/mxctl.md.
# Completion comes with the release (roles/release.py); an operator installs nothing.
app = typer.Typer(
    help="Ask and steer the mail exchanger on this host, and see how the others are.",
    epilog="Every command has --help, and its examples and exit statuses are at the end of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
completion_init()


@app.callback()
def _root() -> None:
    """Keep groups as groups, however many there are."""


app.command("status", epilog=status.MANUAL)(status.status)
app.command("queue", epilog=queue.MANUAL)(queue.queue)
app.command("top", epilog=top.MANUAL)(top.top)
app.command("requeue", epilog=requeue.MANUAL)(requeue.requeue)
app.command("drain", epilog=drain.DRAIN)(drain.drain)
app.command("undrain", epilog=drain.UNDRAIN)(drain.undrain)
app.add_typer(failover.app, name="failover")
app.add_typer(engine.app, name="engine")
app.add_typer(alias.app, name="alias")
app.add_typer(quarantine.app, name="quarantine")
