"""The HTTP side of a worker: /metrics for Prometheus, /healthz for whoever waits for it."""

from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class WebServer:
    """Serves a registry, health as `check` sees it (None when well, else what is wrong), and `routes`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        check: Callable[[], str | None],
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        self._registry = registry
        self._check = check
        application = web.Application()
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_routes(routes)
        self._runner = web.AppRunner(application, access_log=None)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def listen(self, address: str, port: int) -> None:
        """Accept requests; raises `OSError`."""
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port).start()

    async def close(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _request: web.Request) -> web.Response:
        fault = self._check()
        return web.Response(status=503 if fault else 200, text=f"{fault or 'ok'}\n")
