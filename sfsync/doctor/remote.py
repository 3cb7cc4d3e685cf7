"""What only the org can tell: login, rights, quota, mappings, clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sfsync.config import Config, QuotaConfig
from sfsync.doctor.check import DoctorResult
from sfsync.errors import OrgError
from sfsync.mapping import ObjectMapping
from sfsync.moments import utc_now
from sfsync.salesforce.ids import to18
from sfsync.salesforce.org import NEWEST, Org
from sfsync.salesforce.quota import Quota
from sfsync.setup.mappings import check_mappings, stored_fields, unwritable
from sfsync.warehouse import Warehouse

MERGED = ("Lead", "Account", "Contact")
WRITTEN = (*MERGED, "Opportunity")
SKEW, BAD_SKEW = 30, 180
"""Seconds. Salesforce refuses a JWT that is off by more than three minutes."""


def look_at_org(result: DoctorResult, org: Org, meta: Mapping[str, str]) -> bool:
    """Whose org it is, and whether the warehouse mirrors this one. False when the API cannot be used at all."""
    try:
        organization, who = org.organization(), org.identity()
    except OrgError as err:
        advice = "Give the user the permission API Enabled, and the connected app the scope api."
        if err.status in (404, 410):
            advice = "The org may not offer this `api_version`: set it to null to take the newest both sides know."
        result.fail("api", str(err), advice)
        return False
    kind = "sandbox" if organization.get("IsSandbox") else "production"
    result.ok("api", f"{organization.get('Name')} ({organization['Id']}, {kind}) as {who.username or 'a user unnamed'}")
    mirrored = meta.get("org_id")
    if mirrored and mirrored != to18(str(organization["Id"])):
        result.fail(
            "org",
            f"the warehouse mirrors org {mirrored} ({meta.get('instance_url')}), the config logs in to another",
            "Name another file in `warehouse:`, or correct `org:`.",
        )
    elif mirrored:
        result.ok("org", f"the warehouse mirrors this org, {organization['Id']}")
    return True


def look_at_version(result: DoctorResult, org: Org, config: Config) -> None:
    asked = config.org.api_version
    if asked and float(asked) > float(NEWEST):
        result.warn("api version", f"{asked} is newer than {NEWEST}, which sfsync was written for", "Set it to null.")
    else:
        result.ok("api version", org.api_version + (" (pinned in the config)" if asked else ""))


def look_at_clock(result: DoctorResult, org: Org, now: datetime | None = None) -> None:
    """The org's clock and this machine's. Cursors use the org's; logs, JWT logins and reports use this one's."""
    skew = (org.server_time() - (now or utc_now())).total_seconds()
    found = f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the org's"
    if abs(skew) > BAD_SKEW:
        result.fail("clock", found, "Set the clock by NTP: logins by JWT are refused beyond three minutes.")
    elif abs(skew) > SKEW:
        result.warn("clock", found, "Set the clock by NTP; no data is lost, pulls go by the org's clock.")
    else:
        result.ok("clock", found)


def look_at_quota(result: DoctorResult, org: Org, quota: QuotaConfig) -> None:
    usage = org.usage
    if usage.used is None or usage.limit is None:
        result.skip("api quota", "the org does not say how many requests are used")
    else:
        floor = Quota(quota.floor_percent, quota.floor_calls, quota.per_run).floor(usage.limit)
        found = (
            f"{usage.limit - usage.used:,} of {usage.limit:,} daily requests are left; {floor:,} are kept for others"
        )
        room = usage.limit - usage.used - floor
        if room <= 0:
            result.fail("api quota", found, "A pull would stop at once: wait, or lower `quota.floor`.")
        elif room < usage.limit / 20:
            result.warn("api quota", found, "A large pull may stop at the floor; it goes on the next time.")
        else:
            result.ok("api quota", found)
    _look_at_bulk(result, org)


def _look_at_bulk(result: DoctorResult, org: Org) -> None:
    limits = _guarded(org.limits)
    if isinstance(limits, OrgError):
        advice = "Give the user View Setup and Configuration; without it the Bulk limits stay unknown."
        result.warn("bulk limits", f"/limits is refused: {limits.code or limits.status}", advice)
        return
    names = {"DailyBulkV2QueryJobs": "query jobs", "DailyBulkV2QueryFileStorageMB": "MB of results",
             "DailyBulkApiBatches": "write batches"}  # fmt: skip
    known = {text: limits[name] for name, text in names.items() if isinstance(limits.get(name), dict)}
    found = ", ".join(f"{v['Remaining']:,} of {v['Max']:,} {text}" for text, v in known.items())
    if any(v["Remaining"] * 20 < v["Max"] for v in known.values()):
        result.warn("bulk limits", f"left today: {found}", "Large reads or writes may be refused until tomorrow.")
    else:
        result.ok("bulk limits", f"left today: {found or 'not told'}")


def look_at_mappings(
    result: DoctorResult, org: Org, warehouse: Warehouse | None, mappings: Sequence[ObjectMapping]
) -> None:
    """One line per object: can it be queried, are the mapped fields there."""
    for check in check_mappings(org, mappings, stored_fields(warehouse) if warehouse else {}).mappings:
        name = f"mapping {check.sobject}"
        if check.problems:
            result.fail(name, "; ".join(check.problems), "Correct the file, or give the user the right to the field.")
        elif not check.offered:
            result.ok(name, "; ".join(check.notes))
        elif check.notes:
            result.warn(name, "; ".join(check.notes), "Look at it with: sfsync mappings check " + check.sobject)
        else:
            result.ok(name, f"{check.fields} fields can be read")


def look_at_writing(result: DoctorResult, org: Org, mappings: Sequence[ObjectMapping]) -> None:
    """What a push needs. A user who only reads is a choice, so nothing here fails."""
    for mapping in mappings:
        if mapping.sobject not in WRITTEN:
            continue
        name = f"push {mapping.sobject}"
        describe = _guarded(lambda sobject=mapping.sobject: org.describe(sobject))
        if isinstance(describe, OrgError):
            result.skip(name, str(describe))
            continue
        lacking = [right for right in _rights(mapping.sobject) if not describe.get(right, True)]
        fixed = unwritable(mapping.keep(describe))
        if lacking:
            result.warn(
                name, f"this user lacks: {', '.join(lacking)}", "A pull works; pushes of this object will fail."
            )
        elif fixed:
            result.warn(name, f"read-only for this user: {', '.join(fixed)}", "Changes of these will be refused.")
        else:
            result.ok(name, "may be updated" + (", merged" if mapping.sobject in MERGED else ""))
    result.skip(
        "converted leads",
        "no describe tells whether the user has View and Edit Converted Leads",
        "Needed only to update leads after conversion: look in the user's profile or permission sets.",
    )


def _rights(sobject: str) -> tuple[str, ...]:
    """Describe's flags that say what this user may do; a merge deletes the losers."""
    return ("updateable", "deletable", "mergeable") if sobject in MERGED else ("updateable",)


def _guarded(ask: Any) -> Any:
    """The answer, or the OrgError it came to."""
    try:
        return ask()
    except OrgError as err:
        return err
