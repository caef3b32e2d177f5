"""Takes alerts over HTTP, as a paging service would, and keeps them: what a test reads is what was sent.

POST /alerts: the body, JSON, is kept with the time and the sender's address. GET /alerts: all that was kept,
one JSON object a line, the oldest first. DELETE /alerts forgets them. It runs on the outside host alone, with
the standard library.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

MOST_BYTES = 1 << 20
PLACE = "/alerts"


class Pager(ThreadingHTTPServer):
    """The service; what it was told is in `file`."""

    def __init__(self, address: tuple[str, int], file: Path) -> None:
        super().__init__(address, Handler)
        self.file = file
        self.lock = Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Pager

    def do_POST(self) -> None:
        """Keep an alert."""
        size = int(self.headers.get("Content-Length", "0"))
        if self.path != PLACE or size > MOST_BYTES:
            self._answer(404 if self.path != PLACE else 413)
            return
        try:
            told = json.loads(self.rfile.read(size))
        except ValueError:
            self._answer(400)
            return
        line = json.dumps({"at": time.time(), "from": self.client_address[0], "told": told})
        with self.server.lock, self.server.file.open("a") as stream:
            stream.write(f"{line}\n")
        self._answer(200)

    def do_GET(self) -> None:
        """Show what was kept."""
        with self.server.lock:
            kept = self.server.file.read_bytes() if self.server.file.exists() else b""
        self._answer(200 if self.path == PLACE else 404, kept)

    def do_DELETE(self) -> None:
        """Forget it."""
        with self.server.lock:
            self.server.file.unlink(missing_ok=True)
        self._answer(200)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
        """Say nothing of ordinary requests: the file says it all."""

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve for ever: arguments are the address, the port and the file."""
    address, port, file = sys.argv[1:]
    Pager((address, int(port)), Path(file)).serve_forever()


if __name__ == "__main__":
    main()
