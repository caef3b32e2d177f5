"""Rspamd over HTTP (protocol: rspamd.com/doc/developers/protocol.html, `/checkv2`)."""

import re
from pathlib import Path

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from twinmx.spam.engine import Answer, EngineError
from twinmx.spam.sample import Context, Sample

_OK = 200
_MAX_ANSWER = 1 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Symbol(BaseModel):
    model_config = ConfigDict(extra="ignore")

    score: float = 0.0


class _Result(BaseModel):
    """The part of the answer that we use; the rest changes from release to release."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    score: float
    symbols: dict[str, _Symbol] = {}


class RspamdEngine:
    """Rspamd's normal worker, at an HTTP address or a unix socket."""

    name = "rspamd"

    def __init__(self, *, budget_seconds: float, url: str | None = None, socket: Path | None = None) -> None:
        self.budget_seconds = budget_seconds
        self._url = f"{(url or 'http://rspamd').rstrip('/')}/checkv2"
        self._socket = socket
        self._client: aiohttp.ClientSession | None = None

    async def scan(self, sample: Sample, context: Context) -> Answer:
        """Ask Rspamd; symbols come with the heaviest first."""
        try:
            async with self._session().post(
                self._url, data=sample.data, headers=_request_headers(context)
            ) as response:
                body = await response.content.read(_MAX_ANSWER)
                if response.status != _OK:
                    raise EngineError("error", f"status {response.status}")
        except aiohttp.ClientConnectorError as error:
            raise EngineError("refused", str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineError("error", str(error)) from error
        try:
            result = _Result.model_validate_json(body)
        except ValidationError as error:
            raise EngineError("garbage", f"not an answer to checkv2: {body[:80]!r}") from error
        weight = {name: abs(symbol.score) for name, symbol in result.symbols.items()}
        return Answer(result.score, sorted(weight, key=weight.__getitem__, reverse=True))

    async def close(self) -> None:
        """Close the kept connections."""
        if self._client is not None:
            await self._client.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            connector = (
                aiohttp.UnixConnector(str(self._socket), limit=0)
                if self._socket
                else aiohttp.TCPConnector(limit=0)
            )
            self._client = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=None)
            )
        return self._client


def _request_headers(context: Context) -> list[tuple[str, str]]:
    pairs = [
        ("Queue-Id", context.queue_id),
        ("From", context.sender or "<>"),
        *(("Rcpt", recipient) for recipient in context.recipients),
        ("IP", context.client_address),
        ("Hostname", context.client_name),
        ("Helo", context.helo),
    ]
    return [(name, _CONTROL.sub("", value)) for name, value in pairs if value]
