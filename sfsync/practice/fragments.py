"""Fields which many objects share, in the notation of `notation.py`."""

from __future__ import annotations

SYSTEM = """
CreatedDate datetime required ro auto
CreatedById reference required ro auto -> User as CreatedBy
LastModifiedDate datetime required ro auto
LastModifiedById reference required ro auto -> User as LastModifiedBy
SystemModstamp datetime required ro auto
"""
SEEN = """
LastViewedDate datetime ro
LastReferencedDate datetime ro
"""
ID = "Id id required ro auto lookup\n"
DELETED = "IsDeleted boolean ro ; Deleted\n"
PERSON = """
LastName string(80) required of=Name
FirstName string(40) of=Name
Salutation picklist(40) of=Name in=Salutation
Name string(121) required ro name ; Full Name
"""


def address(prefix: str = "") -> str:
    of = f"of={prefix}Address"
    label = f"{prefix} " if prefix else ""
    return f"""
{prefix}Street textarea(255) {of}
{prefix}City string(40) {of}
{prefix}State string(80) {of} ; {label}State/Province
{prefix}PostalCode string(20) {of} ; {label}Zip/Postal Code
{prefix}Country string(80) {of}
{prefix}Latitude double(18,15) {of}
{prefix}Longitude double(18,15) {of}
{prefix}GeocodeAccuracy picklist(40) {of} only=Geocode
{prefix}Address address
"""
