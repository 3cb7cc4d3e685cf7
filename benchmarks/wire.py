"""A slow wire: relays TCP to a local port, with so many bytes a second towards the client, all connections together.

`python -m benchmarks.wire PORT BYTES_PER_SECOND` prints its own port and relays until it is killed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.process import ROOT

PIECE = 16 * 1024


class Rate:
    """Bytes wait for their turn."""

    def __init__(self, per_second: float):
        self._per_second = per_second
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + size / self._per_second
        await asyncio.sleep(self._free_at - now)


@contextmanager
def slow_wire(url: str, per_second: float) -> Iterator[str]:
    """The URL at which the server at `url` is reached through the wire."""
    host, _, port = url.rpartition(":")
    argv = [sys.executable, "-m", "benchmarks.wire", port, str(per_second)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as relay:
        try:
            assert relay.stdout is not None
            yield f"{host}:{int(relay.stdout.readline())}"
        finally:
            relay.kill()


async def _relay(port: int, rate: Rate) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, up_writer, None), _pump(up_reader, writer, rate))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: Rate | None) -> None:
    try:
        while piece := await reader.read(PIECE):
            if rate is not None:
                await rate.take(len(piece))
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]), Rate(float(sys.argv[2]))))
