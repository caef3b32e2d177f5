"""Port 25, asked as a sender asks."""

import smtplib
from collections.abc import Callable

import pytest

from roles.lib.greeting import why_no_mail
from tests.unit.roles.exchanges import exchange


class Session:
    """A session in which the host offers `features`."""

    features: tuple[str, ...] = ()

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ehlo(self) -> None:
        pass

    def has_extn(self, name: str) -> bool:
        return name in self.features


class Encrypted(Session):
    features = ("starttls",)


def refused(*_: object, **__: object) -> Session:
    raise ConnectionRefusedError(111, "Connection refused")


def greeted(*_: object, **__: object) -> Session:
    raise smtplib.SMTPConnectError(554, "no service")


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (Encrypted, ""),
        (Session, "mx1.alias.example does not offer STARTTLS"),
        (refused, "mx1.alias.example does not take mail on port 25: [Errno 111] Connection refused"),
        (greeted, "mx1.alias.example does not take mail on port 25: (554, 'no service')"),
    ],
)
def test_who_greets_and_offers_encryption_takes_mail(
    monkeypatch: pytest.MonkeyPatch, session: Callable[..., Session], says: str
) -> None:
    monkeypatch.setattr(smtplib, "SMTP", session)

    assert why_no_mail(exchange().exchangers["mx1"]) == says
