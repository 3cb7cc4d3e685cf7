"""Start and stop the practice server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sfsync.practice.app import TRANSPORT, PracticeApp
from sfsync.practice.org import PracticeOrg
from sfsync.practice.settings import Settings
from sfsync.practice.site import Site

if TYPE_CHECKING:
    from sfsync.practice.auth import Credentials
    from sfsync.practice.faults import Faults

START_SECONDS = 30.0
ENDING_TURNS = 60
"""Five milliseconds each, for requests still being answered."""


class _Protocol(H11Protocol):
    """Hands the connection itself to the application, which must be able to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        served = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), TRANSPORT: transport}
            await served(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """uvicorn, ended at once instead of at its next tick: tests start and stop hundreds."""

    _loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Stop serving; to be called from another thread."""
        self.should_exit = self.force_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for _ in range(ENDING_TURNS):
            if not self.server_state.connections and not self.server_state.tasks:
                break
            await asyncio.sleep(0.005)


class PracticeServer:
    """A practice org on a port of this machine. A context manager: started inside, stopped after.

    org: one to serve, which stays the caller's to close; without it an empty one in memory, closed by `stop`.
    port: 0 for any free one. `url` is known after `start`.
    """

    def __init__(
        self,
        org: PracticeOrg | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        settings: Settings | None = None,
    ):
        self._own = org is None
        self.org = PracticeOrg() if org is None else org
        self.settings = settings or Settings()
        self.site = Site(self.org, self.settings)
        self._address = (host, port)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return self.site.url

    @property
    def faults(self) -> Faults:
        return self.site.faults

    @property
    def credentials(self) -> Credentials:
        return self.site.credentials

    @property
    def jwt_private_key(self) -> str:
        """The PEM text of the key whose certificate the connected app knows."""
        return self.site.jwt_key.private_pem

    def start(self) -> PracticeServer:
        """Listen. Raises OSError when the port is taken."""
        listener = self._listen()
        self._server = server = self._make()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), name="sfsync-practice", daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_SECONDS / 0.005)):
            if server.started:
                return self
            if not self._thread.is_alive():
                break
            waited.wait(0.005)
        listener.close()
        raise RuntimeError("the practice server did not start")

    def run(self, ready: Callable[[PracticeServer], None] | None = None) -> None:
        """Listen in the main thread until Ctrl-C or SIGTERM. `ready` is called as soon as requests can come."""
        listener = self._listen()
        self._server = self._make()
        # uvicorn raises the signal again when it has ended: SIGTERM would then kill us before we have cleaned up.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            if ready is not None:
                ready(self)
            self._server.run(sockets=[listener])
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, before)
            self._release()

    def _listen(self) -> socket.socket:
        host, port = self._address
        # Named TCP, because asyncio sets TCP_NODELAY on such sockets only: without it each answer waits 40 ms.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.site.url = f"http://{shown}:{listener.getsockname()[1]}"
        return listener

    def _make(self) -> _Server:
        config = uvicorn.Config(
            PracticeApp(self.site),
            http=_Protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
        )
        return _Server(config)

    def settle(self) -> None:
        """Wait until nothing is being answered: a client that gave up leaves requests behind, which still count."""
        waited = threading.Event()
        while self._server is not None and self._server.server_state.tasks:
            waited.wait(0.005)

    def stop(self) -> None:
        """Close the port, end what runs, drop temporary files. A second call does nothing."""
        self.site.stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and self._server is not None:
            self._server.end()
            thread.join()
        self._release()

    def _release(self) -> None:
        self.site.close()
        if self._own:
            self.org.close()

    def __enter__(self) -> PracticeServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_forever(
    org: PracticeOrg,
    *,
    port: int = 8333,
    host: str = "127.0.0.1",
    settings: Settings | None = None,
    ready: Callable[[PracticeServer], None] | None = None,
) -> None:
    """Serve until Ctrl-C. `ready` is called once the address is known. Raises OSError when the port is taken."""
    PracticeServer(org, port=port, host=host, settings=settings).run(ready)
