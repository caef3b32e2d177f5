"""Serves the MTA-STS policies of the lab's receivers over HTTPS, as their providers would (RFC 8461).

Arguments: address, port, the PEM file with key and certificate, a directory with a file for each domain. It
runs on the outside host alone, with the standard library.
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PLACE = "/.well-known/mta-sts.txt"
PREFIX = "mta-sts."
SECONDS = 5.0


class Policies(ThreadingHTTPServer):
    """The service; the policy of a domain is the file of that name in `directory`."""

    def __init__(self, address: tuple[str, int], directory: Path) -> None:
        super().__init__(address, Handler)
        self.directory = directory


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Policies
    timeout = SECONDS

    def do_GET(self) -> None:
        """The policy of the domain that the request is for."""
        domain = self.headers.get("Host", "").partition(":")[0].removeprefix(PREFIX)
        files = {file.name: file for file in self.server.directory.iterdir()}
        if self.path != PLACE or domain not in files:
            self.send_error(404)
            return
        policy = files[domain].read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(policy)))
        self.end_headers()
        self.wfile.write(policy)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
        """Say nothing of ordinary requests."""


def main() -> None:
    """Serve for ever."""
    address, port, chain, directory = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    server = Policies((address, int(port)), Path(directory))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main()
