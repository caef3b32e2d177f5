"""Which receivers Postfix is told to go to by DANE, from answers as a validating resolver gives them."""

import asyncio

import pytest

from twinmx.dane.lookup import AskError, Found, policy
from twinmx.socketmap import SocketmapServer

Answers = dict[tuple[str, str], Found | None]

TLSA = ("3 1 1 ab",)


def secure(*values: str) -> Found:
    return Found(values, secure=True)


def insecure(*values: str) -> Found:
    return Found(values, secure=False)


def decided(nexthop: str, answers: Answers) -> str | None:
    """What Postfix hears; a question without an answer in `answers` ends the test, None is a failure."""

    async def ask(name: str, kind: str) -> Found:
        found = answers[name, kind]
        if found is None:
            raise AskError(name)
        return found

    return asyncio.run(policy(nexthop, ask))


MX = ("example.org", "MX")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        pytest.param(
            {MX: secure("10 a.example."), ("_25._tcp.a.example", "TLSA"): secure(*TLSA)}, "dane", id="all"
        ),
        pytest.param(
            {
                MX: secure("20 b.example.", "10 a.example."),
                ("_25._tcp.a.example", "TLSA"): secure(),
                ("_25._tcp.b.example", "TLSA"): secure(*TLSA),
            },
            "dane",
            id="one of two",
        ),
        pytest.param(
            {MX: secure("10 a.example."), ("_25._tcp.a.example", "TLSA"): secure()}, None, id="none"
        ),
        pytest.param({MX: insecure("10 a.example.")}, None, id="MX not signed"),
        pytest.param(
            {MX: secure("10 a.example."), ("_25._tcp.a.example", "TLSA"): insecure(*TLSA)},
            None,
            id="TLSA not signed",
        ),
        pytest.param(
            {MX: secure("10 a.example."), ("_25._tcp.a.example", "TLSA"): None}, "dane", id="TLSA forged"
        ),
        pytest.param(
            {MX: secure(), ("_25._tcp.example.org", "TLSA"): secure(*TLSA)}, "dane", id="without MX"
        ),
        pytest.param({MX: secure("0 .")}, None, id="takes no mail (RFC 7505)"),
    ],
)
def test_dane_decides_where_the_mx_are_signed_and_one_has_a_key(answers: Answers, told: str | None) -> None:
    assert decided("example.org", answers) == told


@pytest.mark.parametrize("nexthop", ["[192.0.2.1]", "[mx.example.org]:25", "example.org:587", ".org"])
def test_only_a_domain_is_looked_up(nexthop: str) -> None:
    assert decided(nexthop, {}) is None


async def test_postfix_tries_again_later_where_the_mx_cannot_be_had() -> None:
    """TEMP: sent on without an answer, mail might go in the clear."""

    async def ask(name: str, kind: str) -> Found:
        raise AskError(f"{name} {kind}")

    server = SocketmapServer({"dane": lambda nexthop: policy(nexthop, ask)})
    await server.listen("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"16:dane example.org,")
        assert (await reader.readuntil(b",")).partition(b":")[2] == b"TEMP AskError,"
        writer.close()
    finally:
        server.close()
