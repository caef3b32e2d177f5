"""Receivers of alerts and their secrets, which stand in two files."""

import pytest

from inventory.hosts import hosts_of
from inventory.load import InventoryError
from inventory.receivers import Receiver
from inventory.secrets import load_secrets, receiver_mistakes
from tests.unit.inventory.files import SECRETS, Files

HOOK = Receiver.model_validate({"kind": "webhook"})
MAIL = {"kind": "smtp", "relay": "relay.elsewhere.example", "sender": "a@b.example", "to": "c@d.example"}


def mistakes(files: Files, given: str, **receivers: Receiver) -> list[str]:
    files.secrets.write_text(f"{SECRETS}receivers: {given}\n")
    return receiver_mistakes(load_secrets(files.source), receivers)


def test_a_receiver_and_its_secret_have_one_name(files: Files) -> None:
    assert mistakes(files, "{a: {secret: 'https://pager.example/x'}}", a=HOOK) == []
    assert mistakes(files, "{b: {secret: 'https://pager.example/x'}}", a=HOOK) == [
        "receivers.a.secret: missing; allowed: what the webhook is reached with"
    ]


@pytest.mark.parametrize("url", ["pager.example/x", "mailto:me@pager.example", "https://", "/x/y/z/1"])
def test_a_webhook_is_a_url(files: Files, url: str) -> None:
    (told,) = mistakes(files, f"{{a: {{secret: '{url}'}}}}", a=HOOK)

    assert told == "receivers.a.secret: is no URL; allowed: one, from https:// on"


def test_a_relay_without_a_login_needs_no_secret(files: Files) -> None:
    open_relay, login = (Receiver.model_validate(MAIL | more) for more in ({}, {"user": "mx"}))

    assert mistakes(files, "{}", a=open_relay) == []
    assert mistakes(files, "{}", a=login) == [
        "receivers.a.secret: missing; allowed: what the smtp is reached with"
    ]


def test_a_missing_secret_is_told_before_a_host_is_touched(files: Files) -> None:
    routes = "monitors:\n  receivers: {a: {kind: webhook}}\n  routes: {all: {receivers: [a]}}\n"
    files.facts.write_text(files.facts.read_text() + routes)

    with pytest.raises(InventoryError, match=r"secrets\.yml: receivers\.a\.secret: missing; allowed: what"):
        hosts_of(str(files.facts), connection={}, flags={})
