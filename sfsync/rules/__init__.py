"""Rules: what is wrong in the mirror, said by SELECTs that carry their reason, their examples and often a fix.

`load_rules` reads them, `check` runs them and keeps their findings, `test_rules` proves them by their own examples,
`describe` explains one. Loaded on first use: importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.rules.examples import ExampleResult, test_rules
    from sfsync.rules.explain import describe
    from sfsync.rules.load import load_rules
    from sfsync.rules.result import CheckResult
    from sfsync.rules.rule import Rule
    from sfsync.rules.run import check

__all__ = ["CheckResult", "ExampleResult", "Rule", "check", "describe", "load_rules", "test_rules"]

_HOME = {
    "CheckResult": "result",
    "ExampleResult": "examples",
    "Rule": "rule",
    "check": "run",
    "describe": "explain",
    "load_rules": "load",
    "test_rules": "examples",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
