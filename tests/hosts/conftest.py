"""Every test that asks for a `host` runs once for each exchanger of the inventory TWINMX_INVENTORY names.

A module's `pytestmark = pytest.mark.role(...)` says which role it looks at. Tests marked `changes` break
or reconfigure a host, and put it back; no other test may use the pair meanwhile.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import testinfra

from controller import pyinfra
from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets, load_secrets
from lab import ssh
from lab.converging import Pair
from lab.database import EMPTY, brought_up, sql
from lab.settings import OUTSIDE

INVENTORY = os.environ.get("TWINMX_INVENTORY", "inventory/lab.py")

Host = Any  # testinfra has no types


@cache
def the_exchange() -> Exchange:
    return pyinfra.exchange(INVENTORY)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", list(the_exchange().exchangers), scope="session")


@cache
def reached(address: str) -> Host:
    """A host by its address, over one connection that stays open."""
    return testinfra.get_host(f"ssh://{address}", ssh_config=str(ssh.CONFIG), controlpersist=60)


@pytest.fixture(scope="session")
def exchange() -> Exchange:
    """The facts of the whole exchange."""
    return the_exchange()


@pytest.fixture(scope="session")
def secrets(exchange: Exchange) -> Secrets:
    """What must be found nowhere."""
    return load_secrets(exchange.secrets_from)


@pytest.fixture(scope="session")
def authority(exchange: Exchange) -> Path:
    """The certificate of the lab's authority."""
    return pyinfra.ROOT / Path(exchange.tls.certificate).parent / "ca.pem"


@pytest.fixture(scope="session")
def exchanger(exchange: Exchange, name: str) -> Exchanger:
    """The facts of the host under test."""
    return exchange.exchangers[name]


@pytest.fixture(scope="session")
def host(exchanger: Exchanger) -> Host:
    """The host under test."""
    return reached(str(exchanger.address))


@pytest.fixture(scope="session")
def peers(exchange: Exchange, name: str) -> Mapping[str, Host]:
    """The other exchangers: name → host."""
    return {
        other: reached(str(facts.address)) for other, facts in exchange.exchangers.items() if other != name
    }


@pytest.fixture(scope="session")
def outside() -> Host:
    """A host on the Internet, as far as the exchangers can tell."""
    return reached(str(OUTSIDE.address))


@pytest.fixture(scope="session")
def pair(exchange: Exchange) -> Pair:
    """All hosts together, to be converged."""
    return Pair(INVENTORY, exchange)


@pytest.fixture(scope="session")
def database(pair: Pair) -> Iterator[Host]:
    """The host of the database."""
    if INVENTORY != "inventory/lab.py":
        pytest.skip("only the lab pair has a database")
    host = brought_up(pair)
    yield host
    sql(host, EMPTY)


@pytest.fixture
def empty(database: Host) -> Host:
    """The host of the database, without aliases."""
    sql(database, EMPTY)
    return database
