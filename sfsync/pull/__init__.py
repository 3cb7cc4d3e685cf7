"""Copy what changed in the org into the warehouse, provably all of it."""

from sfsync.pull.run import ObjectResult, PullResult, pull

__all__ = ["ObjectResult", "PullResult", "pull"]
