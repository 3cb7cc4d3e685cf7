"""Which handler answers a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sfsync.practice.errors import ApiError
from sfsync.practice.wire import Call, Reply, not_found

if TYPE_CHECKING:
    from sfsync.practice.site import Site

    Handler = Callable[..., Reply]


@dataclass
class Route:
    template: str
    segments: tuple[str, ...]
    handlers: dict[str, Handler] = field(default_factory=dict)

    @property
    def literals(self) -> int:
        return sum(not s.startswith("{") for s in self.segments)

    def fit(self, segments: list[str]) -> dict[str, str] | None:
        """The values of the {placeholders}, decoded; None when the path is another one."""
        found = {}
        for want, have in zip(self.segments, segments, strict=True):
            if want.startswith("{"):
                found[want[1:-1]] = unquote(have)
            elif want != have:
                return None
        return found


class Router:
    """Routes by template: `/sobjects/{sobject}/describe`. A literal segment wins over a placeholder."""

    def __init__(self) -> None:
        self._routes: dict[int, list[Route]] = {}

    def on(self, methods: str, *templates: str) -> Callable[[Handler], Handler]:
        """Register a handler for `"GET"` or `"GET POST"`. It is called with (site, call, **placeholders)."""

        def register(handler: Handler) -> Handler:
            for template in templates:
                route = self._route(template)
                route.handlers.update(dict.fromkeys(methods.split(), handler))
            return handler

        return register

    def include(self, other: Router) -> None:
        for routes in other._routes.values():
            for route in routes:
                self._route(route.template).handlers.update(route.handlers)

    def _route(self, template: str) -> Route:
        segments = tuple(template.strip("/").split("/"))
        routes = self._routes.setdefault(len(segments), [])
        for route in routes:
            if route.template == template:
                return route
        routes.append(Route(template, segments))
        routes.sort(key=lambda r: -r.literals)
        return next(r for r in routes if r.template == template)

    def answer(self, site: Site, path: str, call: Call) -> Reply:
        """Run the handler of `path`. Raises ApiError 404 for an unknown path, 405 for another method."""
        segments = path.strip("/").split("/")
        for route in self._routes.get(len(segments), ()):
            values = route.fit(segments)
            if values is None:
                continue
            call.template = route.template
            method = "GET" if call.method == "HEAD" else call.method
            handler = route.handlers.get(method)
            if handler is None:
                allowed = ",".join(sorted(route.handlers))
                message = f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}"
                raise ApiError(405, "METHOD_NOT_ALLOWED", message)
            return handler(site, call, **values)
        raise not_found()
