"""What the mail tests share: the exchangers, the mailboxes outside, a token for each message."""

from collections.abc import Iterator

import pytest

from controller import pyinfra
from inventory.schema import Exchange
from lab.errors import LabError
from lab.mailbox import Mailboxes, new_token
from lab.send import Session
from lab.settings import LAB, LabHost
from tests.holding import agents_held


@pytest.fixture(scope="session", autouse=True)
def lab() -> None:
    """Stop at once, with the way out, where there is no lab to talk to."""
    for host in LAB.hosts:
        try:
            with Session(host, seconds=10):
                pass
        except (OSError, LabError) as error:
            pytest.exit(
                f"{host.fqdn} does not greet on port 25 ({error}): bring the lab up with `make up`", 3
            )


@pytest.fixture(scope="session", autouse=True)
def no_failover(lab: None) -> Iterator[None]:
    """What these tests break is not mended by a drain: they look at the path itself."""
    with agents_held(LAB.hosts):
        yield


@pytest.fixture(scope="session")
def exchange() -> Exchange:
    """The facts of both exchangers."""
    return pyinfra.exchange("inventory/lab.py")


@pytest.fixture(scope="session")
def mailboxes() -> Mailboxes:
    return Mailboxes()


@pytest.fixture(params=LAB.hosts, ids=lambda host: host.alias)
def exchanger(request: pytest.FixtureRequest) -> LabHost:
    host: LabHost = request.param
    return host


@pytest.fixture(params=LAB.hosts[:1], ids=lambda host: host.alias)
def one(request: pytest.FixtureRequest) -> LabHost:
    """One exchanger, where the other would only show the same again."""
    host: LabHost = request.param
    return host


@pytest.fixture
def other(exchanger: LabHost) -> LabHost:
    """The peer of `exchanger`."""
    (peer,) = (host for host in LAB.hosts if host is not exchanger)
    return peer


@pytest.fixture
def token() -> str:
    return new_token()
