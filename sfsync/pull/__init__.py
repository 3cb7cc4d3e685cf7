"""Copy what changed in the org into the warehouse, provably all of it."""

from sfsync.pull.result import ObjectResult, PullResult
from sfsync.pull.run import pull

__all__ = ["ObjectResult", "PullResult", "pull"]
