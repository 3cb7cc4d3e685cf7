"""From HTTP to handlers and back: one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request

from sfsync.practice import dispatch
from sfsync.practice.errors import ApiError
from sfsync.practice.gzipped import file_pieces, pack
from sfsync.practice.wire import NOTHING, Call, Reply, http_date

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sfsync.practice.site import Site

log = logging.getLogger(__name__)

MOST_URI = 16_384
MOST_BODY = 50 * 1024 * 1024
MOST_UPLOAD = 150 * 1024 * 1024
SMALL = 1024
"""Shorter bodies are not compressed."""


class PracticeApp:
    """The ASGI application of one Site."""

    def __init__(self, site: Site):
        self.site = site
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        self._limiter = self._limiter or anyio.CapacityLimiter(self.site.settings.threads)
        request = Request(scope, receive)
        upload: Path | None = None
        try:
            call, refused = self._call(request)
            if refused is None:
                refused = await self._read_body(request, call)
                upload = call.upload
            reply = refused
            if reply is None:
                reply = await run_sync(self._answer, call, limiter=self._limiter)
            await self._send(call, reply, scope, send)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %s could not be answered", scope["method"], scope["path"])
            raise
        finally:
            if upload is not None:
                upload.unlink(missing_ok=True)

    def _answer(self, call: Call) -> Reply:
        """The reply with its JSON written out: long answers must not hold up the event loop."""
        reply = dispatch.answer(self.site, call)
        if reply.value is not NOTHING:
            reply.body, reply.value = reply.encoded(), NOTHING
        return reply

    def _call(self, request: Request) -> tuple[Call, Reply | None]:
        raw_path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.scope["headers"]}
        call = Call(
            method=request.method,
            path=raw_path.decode("ascii", "replace"),
            query=query.decode("ascii", "replace"),
            headers=headers,
            peer=request.client.host if request.client else "",
            url=f"http://{headers.get('host', '')}",
        )
        uri = len(raw_path) + len(query) + 1
        if uri > MOST_URI:
            return call, Reply(414, body=b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>", content_type=HTML)
        if uri + sum(len(k) + len(v) for k, v in request.scope["headers"]) > MOST_URI:
            text = b"<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>"
            return call, Reply(431, body=text, content_type=HTML)
        return call, None

    async def _read_body(self, request: Request, call: Call) -> Reply | None:
        """Fill `call.body`, or `call.upload` for the CSV of a Bulk job. Returns the refusal of a bad or huge body."""
        if call.method in ("GET", "HEAD"):
            return None
        to_file = call.method == "PUT"
        most = MOST_UPLOAD if to_file else MOST_BODY
        unpack = None
        if call.header("content-encoding").strip().lower() == "gzip":
            unpack = zlib.decompressobj(wbits=31)
        sink = _FileSink(self.site.folder / f"upload-{uuid.uuid4().hex}") if to_file else _MemorySink()
        try:
            async for piece in request.stream():
                plain = unpack.decompress(piece, most + 1) if unpack else piece
                if to_file:
                    await run_sync(sink.write, plain)
                else:
                    sink.write(plain)
                if sink.size > most:
                    sink.drop()
                    error = ApiError(413, "REQUEST_ENTITY_TOO_LARGE", f"The request body is larger than {most} bytes")
                    return Reply(413, error.body())
        except zlib.error:
            sink.drop()
            return Reply(400, ApiError(400, "MALFORMED_REQUEST", "Content is not in gzip format").body())
        except BaseException:
            sink.drop()
            raise
        sink.finish(call)
        return None

    async def _send(self, call: Call, reply: Reply, scope: Scope, send: Send) -> None:
        if reply.lost:
            if reply.file is not None:
                reply.file.close()
            await cut(scope)
            return
        headers = {"Date": http_date(self.site.org.clock.now()), **reply.headers}
        body = b"" if reply.file else reply.encoded()
        if reply.content_type and not reply.empty:
            headers.setdefault("Content-Type", reply.content_type)
        packed = "gzip" in call.header("accept-encoding").lower() and (reply.file is not None or len(body) > SMALL)
        if packed:
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            body = await run_sync(pack, body) if body else body
        size = len(body) if reply.file is None else _rest_of(reply.file) if reply.unpacked is None else reply.unpacked
        if not (packed and reply.file) and reply.status not in (204, 304):
            headers["Content-Length"] = str(size)
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        if reply.cut is not None:
            await self._send_some(reply, body, size, packed, send)
            await cut(scope)
            return
        if reply.file is not None:
            pieces = _pieces(reply, packed)
            while piece := await run_sync(next, pieces, b"", limiter=self._limiter):
                if _gone(scope):
                    pieces.close()
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": body})

    async def _send_some(self, reply: Reply, body: bytes, size: int, packed: bool, send: Send) -> None:
        """The first part of the body: at least a byte, never all of it."""
        if reply.file is not None:
            content = await run_sync(_first_bytes, _pieces(reply, False), max(1, int(size * (reply.cut or 0))))
            body = pack(content)[:-9] if packed else content[: size - 1]
        else:
            body = body[: min(len(body) - 1, max(1, int(len(body) * (reply.cut or 0))))]
        await send({"type": "http.response.body", "body": body, "more_body": True})


HTML = "text/html;charset=utf-8"


class _MemorySink:
    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        return len(self._data)

    def write(self, piece: bytes) -> None:
        self._data += piece

    def drop(self) -> None:
        self._data.clear()

    def finish(self, call: Call) -> None:
        call.body = bytes(self._data)


class _FileSink:
    def __init__(self, path: Path):
        self._path = path
        self._file = path.open("wb")
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += self._file.write(piece)

    def drop(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def finish(self, call: Call) -> None:
        self._file.close()
        call.upload = self._path


def _rest_of(file: Any) -> int:
    here = file.tell()
    end = file.seek(0, 2)
    file.seek(here)
    return int(end - here)


def _pieces(reply: Reply, packed: bool) -> Generator[bytes, None, None]:
    assert reply.file is not None
    return file_pieces(reply.file, is_packed=reply.unpacked is not None, wanted_packed=packed)


def _first_bytes(pieces: Generator[bytes, None, None], count: int) -> bytes:
    found = b""
    with contextlib.closing(pieces):
        while len(found) < count and (piece := next(pieces, b"")):
            found += piece
    return found[:count]


def _gone(scope: Scope) -> bool:
    """The client has hung up: nobody reads what we send."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    return transport is not None and bool(transport.is_closing())


async def cut(scope: Scope) -> None:
    """Break the connection off; what was sent so far still arrives."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise RuntimeError("this ASGI server does not let us cut a connection; use PracticeServer")
    transport.close()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)


TRANSPORT = "sfsync.transport"
