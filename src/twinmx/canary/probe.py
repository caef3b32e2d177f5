"""`python -m twinmx.canary.probe`: one message of the canary to one port, now, and whether it came back.

A converge asks this of a host before it goes on to the next: the canary's own rhythm is slow, and it never
talks to a forwarder directly. The message is the canary's in every respect but that its book does not know
it: the running canary takes it, and says so in its log, which is where the arrival is seen.
"""

import argparse
import json
import smtplib
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from twinmx.canary.letter import compose
from twinmx.canary.sender import NULL_SENDER
from twinmx.canary.settings import SETTINGS, Settings
from twinmx.canary.token import Signer, Token
from twinmx.program.credentials import CredentialError, load_keys
from twinmx.program.settings import SettingsError, load_settings

UNIT = "canary.service"
SESSION_SECONDS = 70.0
"""An end of DATA may take what the deadlines allow a forwarder."""

TAKEN = 250
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of it. said: the answer that decided; seconds: from the first packet to the arrival."""

    accepted: bool
    arrived: bool
    said: str
    seconds: float


def hand_over(settings: Settings, token: Token, keys: tuple[bytes, ...], address: str, port: int) -> str:
    """Send the message of `token` to a port; returns the answer, raises `SMTPException` or `OSError`."""
    listen = settings.listen
    message = compose(token, Signer(keys), host=settings.host, alias=settings.alias, mailbox=listen.mailbox)
    source = "127.0.0.1" if address == "127.0.0.1" else str(settings.send.source)
    with smtplib.SMTP(
        address, port, settings.host, timeout=SESSION_SECONDS, source_address=(source, 0)
    ) as session:
        session.ehlo()
        _take(session.mail(NULL_SENDER))
        _take(session.rcpt(settings.alias))
        return _take(session.data(message))


def _take(answer: tuple[int, bytes]) -> str:
    code, said = answer
    if code != TAKEN:
        raise smtplib.SMTPResponseException(code, said)
    return said.decode("ascii", "replace")


def arrived(token: Token) -> bool:
    """Whether the log of the canary names the message."""
    search = ["journalctl", "-q", "-o", "cat", "-u", UNIT, "--since", "-10min", "-g", token.nonce]
    return bool(subprocess.run(search, capture_output=True, check=False).stdout)


def probe(settings: Settings, keys: tuple[bytes, ...], address: str, port: int, seconds: float) -> Probed:
    """Send one message, and wait up to `seconds` for it to be back."""
    token = Token.new(settings.name, settings.name, "ham")
    began = time.monotonic()
    try:
        said = hand_over(settings, token, keys, address, port)
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        told = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        return Probed(False, False, f"{error.smtp_code} {told}", time.monotonic() - began)
    except OSError as error:  # every other SMTPException is one
        return Probed(False, False, f"{type(error).__name__}: {error}", time.monotonic() - began)
    while not (back := arrived(token)) and time.monotonic() - began < seconds:
        time.sleep(_LOOK_SECONDS)
    return Probed(True, back, said, time.monotonic() - began)


def main() -> int:
    """Probe each PORT ADDRESS that is given; one JSON line each. 0 where all are back."""
    parser = argparse.ArgumentParser(prog="twinmx.canary.probe", description="Send one message, now.")
    parser.add_argument("places", nargs="+", metavar="ADDRESS:PORT")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help=f"default: {SETTINGS}")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to wait for each")
    arguments = parser.parse_args()
    try:
        settings, keys = load_settings(arguments.settings, Settings), load_keys()
    except (SettingsError, CredentialError) as error:
        print(error, file=sys.stderr)
        return 1
    well = True
    for place in arguments.places:
        address, _, port = place.rpartition(":")
        done = probe(settings, keys, address, int(port), arguments.seconds)
        print(json.dumps({"place": place, **asdict(done)}))
        well = well and done.arrived
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
