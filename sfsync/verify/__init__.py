"""Prove the mirror against the org: counts, Ids, cells; and mend what differs."""

from sfsync.verify.result import Difference, ObjectProof, VerifyResult
from sfsync.verify.run import verify

__all__ = ["Difference", "ObjectProof", "VerifyResult", "verify"]
