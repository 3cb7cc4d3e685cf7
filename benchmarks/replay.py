"""An org that costs this machine next to nothing: answers of the practice org, kept as they came and given again.

A real org makes and packs its pages elsewhere; the practice org takes as much of the two cores as the pull itself.
`python -m benchmarks.replay URL FOLDER` prints its own port. The first request of a kind goes to URL, and its answer's
bytes are kept in FOLDER; every later one gets the kept answer.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from benchmarks.process import ROOT

PASSED_ON = ("Content-Type", "Content-Encoding", "Sforce-NumberOfRecords", "Sforce-Locator", "Sforce-Limit-Info")
UNFINISHED = (b'"InProgress"', b'"UploadComplete"')


@dataclass(frozen=True)
class Kept:
    """One answer, its body as it was on the wire."""

    status: int
    headers: dict[str, str]
    body: Path


@contextmanager
def replay(url: str, folder: Path) -> Iterator[str]:
    """The URL of the org that remembers."""
    folder.mkdir()
    argv = [sys.executable, "-m", "benchmarks.replay", url, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


class Replay(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, url: str, folder: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = url
        self.folder = folder
        self.kept: dict[str, Kept] = {}
        self.lock = threading.Lock()

    def answer(self, method: str, path: str, headers: dict[str, str], sent: bytes) -> Kept:
        """Kept or fresh. A job that is not done yet is asked for again."""
        asked = hashlib.sha256(f"{method} {path}\n".encode() + sent).hexdigest()
        if found := self.kept.get(asked):
            return found
        with requests.request(
            method, self.url + path, headers=headers, data=sent or None, stream=True, timeout=300
        ) as came:
            body = came.raw.read(decode_content=False)
            plain = body if method == "GET" and len(body) < 2000 else b""
            known = {name: came.headers[name] for name in PASSED_ON if name in came.headers}
        file = self.folder / f"{asked}-{threading.get_ident()}"
        file.write_bytes(body)
        kept = Kept(came.status_code, known, file)
        if came.status_code < 300 and not any(word in plain for word in UNFINISHED):
            with self.lock:
                self.kept[asked] = kept
        return kept


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Replay

    def do_GET(self) -> None:
        passed = ("authorization", "accept", "accept-encoding", "content-type", "content-encoding")
        headers = {k: v for k, v in self.headers.items() if k.lower() in passed}
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = self.server.answer(self.command, self.path, headers, sent)
        self.send_response(kept.status)
        for name, value in kept.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(kept.body.stat().st_size))
        self.end_headers()
        with kept.body.open("rb") as file:
            while piece := file.read(256 * 1024):
                self.wfile.write(piece)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads a log here."""


if __name__ == "__main__":
    with Replay(sys.argv[1], Path(sys.argv[2])) as served:
        print(served.server_address[1], flush=True)
        served.serve_forever()
