"""A headless Chromium, driven by its own protocol (https://chromedevtools.github.io/devtools-protocol/).

Five of its commands are all that is needed, so there is no driver, and no browser but Debian's: it is
installed where there is none.
"""

import asyncio
import base64
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from lab.engine import install

PATIENCE_SECONDS = 60
FLAGS = (
    *("--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"),
    *(
        "--no-sandbox",
        "--disable-dev-shm-usage",
    ),  # root in a container has no user namespace, and little there
    "--hide-scrollbars",
)


class BrowserError(Exception):
    """Chromium does not start, or says that a command failed."""


def executable() -> str:
    """Where Chromium is, after it was installed if need be; raises lab.errors.LabError without root."""
    if not shutil.which("chromium"):
        install(["chromium"])
    return "chromium"


class Tab:
    """One page. `complaints`: what its console says, which is where a violated policy shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._loaded = False

    async def open(self, url: str, width: int, scheme: str = "light") -> None:
        """Load `url` in a window of so many CSS pixels, for readers who prefer a light or dark `scheme`.

        A page that loads itself again does not do so while it is looked at.
        """
        await self._do("Page.enable")
        await self._do("Log.enable")
        window = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        await self._do("Emulation.setDeviceMetricsOverride", **window)
        preference = {"name": "prefers-color-scheme", "value": scheme}
        await self._do("Emulation.setEmulatedMedia", media="screen", features=[preference])
        self._loaded = False
        await self._do("Page.navigate", url=url)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._loaded:
                self._take(await self._socket.receive_json())
        await self.ask("window.stop()")

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; it runs although the page itself allows no scripts."""
        answer = await self._do("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def screenshot(self) -> bytes:
        """The whole page as PNG."""
        shot = await self._do("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    async def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        printed = await self._do("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(printed["data"])

    async def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                said = await self._socket.receive_json()
                if said.get("id") == number:
                    if "error" in said:
                        raise BrowserError(f"{method}: {said['error']}")
                    return dict(said["result"])
                self._take(said)

    def _take(self, said: dict[str, Any]) -> None:
        if said.get("method") == "Page.loadEventFired":
            self._loaded = True
        if said.get("method") == "Log.entryAdded":
            self.complaints.append(said["params"]["entry"]["text"])


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A tab of a browser of its own, which is gone afterwards with all that it kept."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            executable(),
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    port = await _port(browser)
                    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                        pages = [one for one in await answer.json() if one["type"] == "page"]
                url = pages[0]["webSocketDebuggerUrl"]
                async with session.ws_connect(url, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            browser.terminate()
            await browser.communicate()


async def _port(browser: asyncio.subprocess.Process) -> str:
    """Where the browser listens, as it says on its standard error."""
    assert browser.stderr is not None
    said = b""
    async for line in browser.stderr:
        said += line
        if line.startswith(b"DevTools listening on ws://"):
            return line.decode().rsplit(":", 1)[1].partition("/")[0]
    raise BrowserError(f"chromium ended: {said.decode(errors='replace')}")
