"""Proposal: one fix that somebody wants, before the guards have looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sfsync.model import Confidence, Ref
from sfsync.plan.values import Wire


@dataclass(frozen=True)
class Proposal:
    """Values for one record, with the reason. It is applied whole or not at all."""

    ref: Ref
    after: Mapping[str, Wire]
    because: Mapping[str, Any] = field(default_factory=dict)
    """{"rule": code, …} or {"cluster": id, …}"""
    confidence: Confidence = "assisted"
    distributes: bool = False
    """It gives a lead to somebody, by the ladder of `sfsync.leads`: a rule's idea of the owner then does not count."""
