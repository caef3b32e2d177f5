import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.errors import LabError
from lab.send import Session, message
from lab.settings import LAB

HOST = replace(LAB.hosts[0], address=IPv4Address("127.0.0.1"))


class Peer(socketserver.StreamRequestHandler):
    """Greets, answers EHLO with three lines, hands back what else it hears, hangs up after QUIT."""

    def handle(self) -> None:
        self.wfile.write(b"220 peer.example ESMTP\r\n")
        for line in self.rfile:
            if line.startswith(b"EHLO"):
                self.wfile.write(b"250-peer.example\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n")
            elif line.startswith(b"QUIT"):
                return
            else:
                self.wfile.write(b"500 " + repr(line).encode() + b"\r\n")


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Peer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_replies_of_one_and_of_several_lines_are_read(port: int) -> None:
    with Session(HOST, port) as session:
        assert (session.greeting.code, session.greeting.text) == (220, "peer.example ESMTP")
        assert session.say("EHLO controller").text.splitlines() == ["peer.example", "PIPELINING", "SMTPUTF8"]


def test_bytes_leave_as_they_are_given(port: int) -> None:
    with Session(HOST, port) as session:
        session.write(b"a\rb\x00\n")
        assert session.read().text == repr(b"a\rb\x00\n")


def test_a_peer_that_hangs_up_is_an_error(port: int) -> None:
    with Session(HOST, port) as session, pytest.raises(LabError, match="closed the connection"):
        session.say("QUIT")


def test_a_message_carries_its_token_where_mailboxes_look_for_it() -> None:
    made = message("token-1", "hello@alias.example")

    assert "token-1" in made["Subject"]
    assert "token-1" in made["Message-ID"]
