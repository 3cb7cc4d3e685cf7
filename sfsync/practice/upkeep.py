"""What a save changes in other records, and the platform never stamps: derived values of parents and siblings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sfsync.practice.saving import Draft, Moment

_ACTIVITY_PARENTS = {"WhoId": ("Contact", "Lead"), "WhatId": ("Account", "Opportunity", "Campaign")}


def after_write(moment: Moment, sobject: str, drafts: Sequence[Draft]) -> None:
    if sobject == "OpportunityContactRole":
        _one_primary(moment, drafts)
    if sobject in ("Task", "Event"):
        refresh_accounts(moment, sobject, [d.new["Id"] for d in drafts])
        parents = {d.new.get(f) for d in drafts for f in _ACTIVITY_PARENTS} | {
            d.before(f) for d in drafts for f in _ACTIVITY_PARENTS
        }
        refresh_activity(moment, [p for p in parents if p])
    if sobject == "DuplicateRecordItem":
        _count_items(moment, {d.new["DuplicateRecordSetId"] for d in drafts})


def _one_primary(moment: Moment, drafts: Sequence[Draft]) -> None:
    """A new primary role takes the flag from the others, and becomes the opportunity's ContactId."""
    primary = {d.new["OpportunityId"]: d.new["Id"] for d in drafts if d.new["IsPrimary"]}
    if primary:
        moment.store.execute(
            'UPDATE "OpportunityContactRole" SET "IsPrimary" = false, "SystemModstamp" = $3'
            ' WHERE "IsPrimary" AND "OpportunityId" IN (SELECT unnest($1)) AND "Id" NOT IN (SELECT unnest($2))',
            [list(primary), list(primary.values()), moment.stamp],
        )
    refresh_primary_contacts(moment, {d.new["OpportunityId"] for d in drafts})


def refresh_primary_contacts(moment: Moment, opportunities: Iterable[str]) -> None:
    """Opportunity.ContactId is the contact of the primary role."""
    moment.store.execute(
        'UPDATE "Opportunity" SET "ContactId" = (SELECT max(role."ContactId") FROM "OpportunityContactRole" role'
        ' WHERE role."OpportunityId" = "Opportunity"."Id" AND role."IsPrimary" AND NOT role."IsDeleted")'
        ' WHERE "Id" IN (SELECT unnest($1))',
        [sorted(opportunities)],
    )


def refresh_accounts(moment: Moment, sobject: str, ids: Sequence[str]) -> None:
    """AccountId of an activity: the account it is about, or the opportunity's, or the contact's."""
    moment.store.execute(
        f'UPDATE "{sobject}" SET "AccountId" = coalesce('
        f'(SELECT max("Id") FROM "Account" WHERE "Id" = "{sobject}"."WhatId"),'
        f'(SELECT max("AccountId") FROM "Opportunity" WHERE "Id" = "{sobject}"."WhatId"),'
        f'(SELECT max("AccountId") FROM "Contact" WHERE "Id" = "{sobject}"."WhoId"))'
        ' WHERE "Id" IN (SELECT unnest($1))',
        [list(ids)],
    )


def refresh_activity(moment: Moment, parents: Sequence[str]) -> None:
    """LastActivityDate: the latest date of an event or of a closed task."""
    for lookup, sobjects in _ACTIVITY_PARENTS.items():
        for sobject in sobjects:
            ids = [p for p in parents if p[:3] == moment.schema.full(sobject).prefix]
            if ids:
                moment.store.execute(_ACTIVITY_SQL.format(sobject=sobject, lookup=lookup), [ids])
                if sobject == "Opportunity":
                    moment.store.execute(_OPEN_SQL, [ids, moment.today])


_ACTIVITY_SQL = """
    UPDATE "{sobject}" SET "LastActivityDate" = (
        SELECT max("ActivityDate") FROM (
            SELECT "{lookup}", "ActivityDate" FROM "Task" WHERE "IsClosed" AND NOT "IsDeleted"
            UNION ALL SELECT "{lookup}", "ActivityDate" FROM "Event" WHERE NOT "IsDeleted"
        ) activity WHERE activity."{lookup}" = "{sobject}"."Id"
    ) WHERE "Id" IN (SELECT unnest($1))
"""
_OPEN_SQL = """
    UPDATE "Opportunity" SET
        "HasOpenActivity" = EXISTS (SELECT 1 FROM "Task" WHERE "WhatId" = "Opportunity"."Id"
            AND NOT "IsClosed" AND NOT "IsDeleted"),
        "HasOverdueTask" = EXISTS (SELECT 1 FROM "Task" WHERE "WhatId" = "Opportunity"."Id"
            AND NOT "IsClosed" AND NOT "IsDeleted" AND "ActivityDate" < $2)
    WHERE "Id" IN (SELECT unnest($1))
"""


def _count_items(moment: Moment, sets: Iterable[str]) -> None:
    moment.store.execute(
        'UPDATE "DuplicateRecordSet" SET "RecordCount" = (SELECT count(*) FROM "DuplicateRecordItem" item'
        ' WHERE item."DuplicateRecordSetId" = "DuplicateRecordSet"."Id" AND NOT item."IsDeleted")'
        ' WHERE "Id" IN (SELECT unnest($1))',
        [sorted(sets)],
    )
