"""A deploy that tells all of its secrets in every way there is: nothing but masking keeps them."""

import json
import sys

import click
from pyinfra import logger
from pyinfra.context import host
from pyinfra.operations import python, server

from roles.lib.changes import StepChange
from roles.lib.managed import ManagedFile
from roles.lib.site import this_site
from roles.lib.telling import tell
from roles.tls import read_files
from roles.valkey import exporter_password

site = this_site()
keys = [file.data.decode() for file in read_files(site) if isinstance(file, ManagedFile) and file.secret]
values = [*site.secrets.values, exporter_password(site.secrets), *keys]

for value in values:
    logger.info("told by the log: %s", value)
    click.echo(f"told on standard output: {value}")
    click.echo(f"told on standard error: {value}", err=True)
    print("told in a list", [value])
    tell(StepChange(text=f"told as a change: {value}"), of="mx1")
    server.shell(commands=[f"echo {value!r}"])
    server.shell(name=f"told by a name: {value}", commands=["true"])
sys.stderr.write(json.dumps(ManagedFile("/told/as/data", "\n".join(values)).wire) + "\n")


def _fail() -> None:
    raise ValueError(f"told by an error: {values}")


if host.data.exchanger == "mx2":
    python.call(name="fails", function=_fail)
