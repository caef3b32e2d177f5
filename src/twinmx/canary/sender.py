"""One message handed over to one exchanger's port 25, as a stranger would, in a session of its own."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

import aiosmtplib

_TAKEN_FOR_SPAM = (550, "5.7.1")
_FAREWELL_SECONDS = 1.0
NULL_SENDER = ""
"""No bounce comes of a message without a sender (RFC 5321, 4.5.5), so none can loop or reach a user; SPF is
asked for the host's own name."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the exchanger said; `spam`: it took the message for that, at its end. `detail` is for the log."""

    accepted: bool
    spam: bool = False
    detail: str = ""


class Sender:
    """Sends as `host` from `source`; a session ends within `seconds`, whatever the other side does."""

    def __init__(self, host: str, source: str, port: int, seconds: float) -> None:
        self._host = host
        self._source = source
        self._port = port
        self._seconds = seconds
        self._tls = _any_certificate()

    async def hand_over(self, address: str, recipient: str, message: bytes) -> Handover:
        """Send `message` to the exchanger at `address`, over STARTTLS. Raises nothing of the network's."""
        client = aiosmtplib.SMTP(
            hostname=address,
            port=self._port,
            local_hostname=self._host,
            source_address=(self._source, 0),
            timeout=self._seconds,
            start_tls=True,
            tls_context=self._tls,
        )
        try:
            async with asyncio.timeout(self._seconds):
                await client.connect()
                _, said = await client.sendmail(NULL_SENDER, [recipient], message)
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_FAREWELL_SECONDS)
        except aiosmtplib.SMTPDataError as error:
            spam = (error.code, error.message[:5]) == _TAKEN_FOR_SPAM
            return Handover(False, spam, f"{error.code} {error.message}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return Handover(False, detail=f"{type(error).__name__}: {error}".removesuffix(": "))
        finally:
            client.close()
        return Handover(True, detail=said)


def _any_certificate() -> ssl.SSLContext:
    """A stranger's Postfix takes any certificate on port 25; a bad one is for the monitors to report."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
