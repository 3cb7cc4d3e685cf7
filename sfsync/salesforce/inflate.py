"""A response body as it arrives, decompressed, with proof that it is whole."""

from __future__ import annotations

from collections.abc import Iterator

import requests
from isal import isal_zlib
from isal.igzip_lib import IsalError

from sfsync.errors import IncompleteRead
from sfsync.salesforce.retry import Transient

CHUNK = 256 * 1024
_BOM = b"\xef\xbb\xbf"


def chunks(response: requests.Response, what: str) -> Iterator[bytes]:
    """The body's bytes, in pieces of bounded size, without a byte order mark.

    Raises urllib3's HTTPError when the connection ends early, Transient (IncompleteRead) when the gzip stream does.
    """
    pieces = _gunzip(response, what) if _is_gzip(response) else _plain(response)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(_BOM):
            yield head.removeprefix(_BOM)
            yield from pieces
            return
    if head:
        yield head.removeprefix(_BOM)


def _is_gzip(response: requests.Response) -> bool:
    return response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")


def _plain(response: requests.Response) -> Iterator[bytes]:
    while piece := response.raw.read(CHUNK, decode_content=False):
        yield piece


def _gunzip(response: requests.Response, what: str) -> Iterator[bytes]:
    stream = isal_zlib.decompressobj(wbits=31)
    fresh = True
    try:
        for piece in _plain(response):
            data = piece
            while data:
                if stream.eof:  # a gzip body may be several members, one after the other
                    stream, fresh = isal_zlib.decompressobj(wbits=31), True
                out = stream.decompress(data, CHUNK * 4)
                fresh = False
                if out:
                    yield out
                data = stream.unused_data if stream.eof else stream.unconsumed_tail
    except IsalError as err:  # type: ignore[misc]  # a class, whatever its stub says
        raise Transient(IncompleteRead(f"{what}: the compressed body is damaged.")) from err
    if not fresh and not stream.eof and (rest := stream.flush()):
        yield rest
    if not fresh and not stream.eof:
        raise Transient(IncompleteRead(f"{what}: the compressed body ends too early."))
