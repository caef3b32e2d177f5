import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab import pki

NAME = "mx1.alias.example"


def shake_hands(directory: Path, name: str, asked: str) -> None:
    """A TLS handshake in which the client trusts only the lab's authority and asks for `asked`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    client = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=asked).close()
    finally:
        ours.close()
        thread.join()


def test_a_client_that_trusts_the_authority_accepts_the_host(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)

    shake_hands(tmp_path, NAME, NAME)


def test_another_name_is_refused(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(tmp_path, NAME, "mx2.alias.example")


def test_a_good_certificate_is_kept(tmp_path: Path) -> None:
    assert pki.ensure([NAME], tmp_path) == (NAME,)
    before = (tmp_path / f"{NAME}.pem").read_bytes()

    assert pki.ensure([NAME], tmp_path) == ()
    assert (tmp_path / f"{NAME}.pem").read_bytes() == before


def test_a_certificate_that_lacks_a_name_is_replaced_and_then_kept(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)
    also = {NAME: ["mta-sts.alias.example"]}

    assert pki.ensure([NAME], tmp_path, also=also) == (NAME,)
    assert pki.ensure([NAME], tmp_path, also=also) == ()
    shake_hands(tmp_path, NAME, NAME)
    shake_hands(tmp_path, NAME, "mta-sts.alias.example")


def test_a_certificate_close_to_its_end_is_renewed(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)
    now = datetime.now(UTC)
    well_before = now + pki.HOST_LIFE - pki.RENEW_BEFORE - timedelta(hours=1)
    close = now + pki.HOST_LIFE - pki.RENEW_BEFORE + timedelta(hours=1)

    assert pki.ensure([NAME], tmp_path, well_before) == ()
    assert pki.ensure([NAME], tmp_path, close) == (NAME,)


def test_a_new_authority_replaces_what_the_old_one_signed(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)
    (tmp_path / "ca.key").unlink()

    assert pki.ensure([NAME], tmp_path) == (NAME,)
    shake_hands(tmp_path, NAME, NAME)


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    pki.ensure([NAME], tmp_path)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}
