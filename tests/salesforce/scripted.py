"""A real HTTP server on loopback that answers as a test tells it to, down to cut connections."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Answer:
    """What to send. `cut`: close the connection after so many bytes of the body; -1: without a single byte."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


def js(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json;charset=UTF-8", **named})


def no(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    return js([{"errorCode": code, "message": message}], status, **headers)


def page(status: int = 200) -> Answer:
    return Answer(status, b"<!DOCTYPE html><html>Down for maintenance</html>", {"Content-Type": "text/html"})


Script = Callable[[Asked], Answer]


class ScriptedServer:
    """Answers by the first script whose pattern is found in "METHOD path". Of several answers the last stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._scripts: list[tuple[str, Script | list[Answer]]] = []
        self._used: dict[str, int] = defaultdict(int)
        self.date: Callable[[], str] = lambda: formatdate(usegmt=True)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_owner = self

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, OSError):
                    self.close_connection = True

            def answer(self) -> None:
                self.server_owner._serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def on(self, pattern: str, *answers: Answer | Script) -> None:
        """Latest first, so a test can put its own before the usual."""
        first = answers[0]
        script = first if callable(first) else [a for a in answers if isinstance(a, Answer)]
        with self._lock:
            self._scripts.insert(0, (pattern, script))

    def count(self, pattern: str) -> int:
        return len(self.all(pattern))

    def all(self, pattern: str) -> list[Asked]:
        with self._lock:
            return [a for a in self.asked if re.search(pattern, f"{a.method} {a.path}")]

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _choose(self, asked: Asked) -> Script | Answer:
        with self._lock:
            self.asked.append(asked)
            for index, (pattern, script) in enumerate(self._scripts):
                if re.search(pattern, f"{asked.method} {asked.path}"):
                    if not isinstance(script, list):
                        return script
                    key = f"{len(self._scripts) - index}"
                    turn = self._used[key]
                    self._used[key] += 1
                    return script[min(turn, len(script) - 1)]
        return no(404, "NOT_FOUND", "The requested resource does not exist")

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(handler.command, parts.path, dict(parse_qsl(parts.query)), handler.headers, body)
        chosen = self._choose(asked)
        answer = chosen if isinstance(chosen, Answer) else chosen(asked)
        if answer.cut == -1:
            return self._hang_up(handler)
        handler.send_response_only(answer.status)
        headers = {"Date": self.date(), "Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            if value:
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])
        if answer.cut is not None:
            self._hang_up(handler)

    @staticmethod
    def _hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
