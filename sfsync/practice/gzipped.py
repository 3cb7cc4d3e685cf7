"""gzip as the practice server speaks it: fast rather than small."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import BinaryIO

from isal import igzip, isal_zlib

PIECE = 1024 * 1024
_LEVEL = 1


def packed(pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    """The pieces as one gzip stream, none of its pieces empty."""
    packer = isal_zlib.compressobj(level=_LEVEL, wbits=31)
    for piece in pieces:
        if done := packer.compress(piece):
            yield done
    yield packer.flush()


def pack(whole: bytes) -> bytes:
    return bytes(igzip.compress(whole, _LEVEL))


def file_pieces(file: BinaryIO, *, is_packed: bool, wanted_packed: bool) -> Generator[bytes, None, None]:
    """The rest of a file, which holds gzip or not, as it is wanted. Closes it at the end."""
    with file:
        if is_packed == wanted_packed:
            yield from _read(file)
        elif wanted_packed:
            yield from packed(_read(file))
        else:
            yield from _unpacked(_read(file))


def _unpacked(pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    unpacker = isal_zlib.decompressobj(wbits=31)
    for piece in pieces:
        if done := unpacker.decompress(piece):
            yield done


def _read(file: BinaryIO) -> Generator[bytes, None, None]:
    while piece := file.read(PIECE):
        yield piece
