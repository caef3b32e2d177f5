"""A canary between exchangers that the test makes: aiosmtpd with STARTTLS, which carries its mail home."""

import asyncio
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session
from prometheus_client.parser import text_string_to_metric_families

from lab import pki
from tests.unit.twinmx.supervised import free_port
from twinmx.canary.letter import GTUBE
from twinmx.canary.service import Canary
from twinmx.canary.settings import Settings

ALIAS, MAILBOX = "canary-mx1@alias.example", "canary@mx1.canary.invalid"
KEY = b"k" * 32
SPAM = "550 5.7.1 this message was taken for spam, ref 4bXyZ1"
TAKEN = "250 2.0.0 queued"
PATIENCE_SECONDS = 30.0  # of a busy machine


class Exchanger:
    """An exchanger of the test's. `ham`, `gtube`: its answers to the end of such messages, None for never.

    What it takes it `carries` home, with `field` in front, unless it `keeps` it. RCPT and the message take it
    `step_seconds` each.
    """

    def __init__(self, certificates: Path, name: str) -> None:
        self._name = f"{name}.alias.example"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = certificates / f"{self._name}.pem"
        self._tls.load_cert_chain(file, file.with_suffix(".key"))
        self.offers_tls = True
        self.rcpt = "250 2.1.5 ok"
        self.ham: str | None = TAKEN
        self.gtube: str | None = SPAM
        self.field = (
            b"X-Twinmx-Spam: engine=rspamd; score=0.10; reject=15.0;\r\n\tseconds=0.01; symbols=A\r\n"
        )
        self.keeps = False
        self.step_seconds = 0.0
        self.home_port = 0
        self.kept: list[bytes] = []
        self.seen: list[tuple[Session, Envelope]] = []
        self.answers: list[str] = []
        """What was answered to the messages that it brought home."""

    async def start(self, port: int) -> None:
        """Listen on loopback."""
        self._server = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1", port)

    def stop(self) -> None:
        self._server.close()

    def _protocol(self) -> SMTP:
        tls = self._tls if self.offers_tls else None
        return SMTP(self, hostname=self._name, tls_context=tls, require_starttls=self.offers_tls)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        await asyncio.sleep(self.step_seconds)
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.step_seconds)
        self.seen.append((session, envelope))
        assert isinstance(envelope.content, bytes)
        spam = GTUBE.encode() in envelope.content
        answer = self.gtube if spam else self.ham
        if answer is None or answer.startswith("250"):
            self.kept.append(envelope.content)
            if not self.keeps:
                await self.carry()
        if answer is None:
            await asyncio.Event().wait()
        return str(answer)

    def spam_seen(self) -> int:
        """How many GTUBEs were offered."""
        contents = [envelope.content for _, envelope in self.seen]
        return sum(isinstance(content, bytes) and GTUBE.encode() in content for content in contents)

    async def carry(self) -> None:
        """Bring home what is kept."""
        kept, self.kept = self.kept, []
        for message in kept:
            self.answers.append(await deliver(self.home_port, self.field + message))


async def deliver(port: int, message: bytes, mailbox: str = MAILBOX) -> str:
    """Hand a message to the canary's listener as postfix-out does; returns its last answer."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=5) as client:
        try:
            _, text = await client.sendmail("", [mailbox], message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return f"{error.recipients[0].code} {error.recipients[0].message}"
        except aiosmtplib.SMTPResponseException as error:
            return f"{error.code} {error.message}"
        return f"250 {text}"


class Aviary:
    """The canary of mx1, and the exchangers it tries; `start` it when they behave as they shall."""

    def __init__(self, directory: Path) -> None:
        pki.ensure(["mx1.alias.example"], directory)
        self.exchanger = Exchanger(directory, "mx1")
        self.port, self.metrics, self.smtp = free_port(), free_port(), free_port()
        self._stack = AsyncExitStack()

    def _settings(self, **changes: Any) -> dict[str, Any]:
        send = {
            "source": "127.0.0.1",
            "port": self.smtp,
            "exchangers": {"mx1": "127.0.0.1"},
            "interval_seconds": 0.05,
            "handover_seconds": 4,
            "lost_after_seconds": 5,
            "gtube_seconds": 3600,
        }
        listen = {
            "address": "127.0.0.1",
            "port": self.port,
            "greeting": "canary.mx1.alias.example",
            "mailbox": MAILBOX,
            "clients": ["127.0.0.1"],
        }
        return {
            "name": "mx1",
            "host": "mx1.alias.example",
            "alias": ALIAS,
            "reject_score": 15.0,
            "listen": listen | changes.pop("listen", {}),
            "send": send | changes,
            "metrics": {"address": "127.0.0.1", "port_base": self.metrics - 1},
        }

    async def start(self, **changes: Any) -> None:
        """Start both; `changes` are of the settings in `send`, and `listen` of those."""
        self.exchanger.home_port = self.port
        await self.exchanger.start(self.smtp)
        self._stack.callback(self.exchanger.stop)
        canary = Canary(Settings.model_validate(self._settings(**changes)), [KEY], 1)
        await canary.start(self._stack)

    async def stop(self) -> None:
        await self._stack.aclose()

    async def says(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.metrics}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            return await (response.json() if path == "/state" else response.text())

    async def counted(self, name: str, via: str = "mx1", **labels: str) -> float | None:
        """A figure of the canary's as a monitor reads it; None where there is none."""
        wanted = {"via": via, **labels}
        for family in text_string_to_metric_families(await self.says("/metrics")):
            for sample in family.samples:
                if sample.name == f"twinmx_canary_{name}" and sample.labels == wanted:
                    return float(sample.value)
        return None

    async def until(self, name: str, least: float, via: str = "mx1", **labels: str) -> None:
        """Wait until a figure is at least so high."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await self.counted(name, via, **labels) or 0) < least:  # noqa: ASYNC110 - a metric
                await asyncio.sleep(0.01)
