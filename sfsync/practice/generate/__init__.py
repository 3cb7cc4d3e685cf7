"""A believable company's CRM, made up: the same seed makes the same org."""

from __future__ import annotations

from sfsync.practice.generate.build import Truth, generate

__all__ = ["Truth", "generate"]
