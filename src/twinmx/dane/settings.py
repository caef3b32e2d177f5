"""The settings of twinmx-dane: one TOML file, every key typed, unknown ones refused."""

from pathlib import Path

from pydantic import IPvAnyAddress

from twinmx.program.settings import Port, Seconds, Table

SETTINGS = Path("/etc/twinmx/dane.toml")


class Resolver(Table):
    """The validating resolver, and how long an answer may take."""

    address: IPvAnyAddress
    port: Port
    seconds: Seconds


class Settings(Table):
    """Everything the program is told: the loopback port on which Postfix asks, and whom it asks itself."""

    port: Port
    resolver: Resolver
