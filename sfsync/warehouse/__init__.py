"""The door to SQL: the mirror of the org and everything sfsync keeps beside it."""

from sfsync.warehouse.door import Warehouse

__all__ = ["Warehouse"]
