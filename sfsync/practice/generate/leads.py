"""Leads: who they are, when they came, what became of them, and the history of their status."""

from __future__ import annotations

from sfsync.practice.generate import people
from sfsync.practice.generate.catalogue import CONVERTED, LEADS
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.partners import add_people
from sfsync.practice.generate.people import MAIL, SWITCHBOARD
from sfsync.practice.generate.plants import Plant, changed, choose
from sfsync.practice.generate.staff import marketing_user, rep_count
from sfsync.practice.generate.workshop import DAY, Workshop, quote, text_list

_JUST_NOW = 3600
_ENTRY, _WORKING, _CLOSED, _CONVERTED = range(4)


def plant_leads(shop: Workshop, layout: Layout) -> None:
    """Tables `lead_plant` and `converted_plant` (which person gets what) and `extra`, the people added beside them."""
    wanted = "p, g, slot, code, surname, nickname"
    choose(shop, "lead_plant", "p", f"SELECT {wanted} FROM person WHERE g IN (1, 2)", LEADS, layout.leads)
    choose(shop, "converted_plant", "p", f"SELECT {wanted} FROM person WHERE g = 0", CONVERTED, layout.leads)
    # Places from 21 on are free at companies that are no account.
    add_people(
        *(shop, "extra", "lead_plant", LEADS),
        first=layout.people,
        slot=21,
        companies=f"c >= {layout.accounts} AND c < {layout.companies}",
    )


def live_leads(shop: Workshop, layout: Layout) -> None:
    """Table `lead_life`: when each lead came, was first worked on and ended, what became of it, and whose it is.

    `number` counts the leads in the order they came.
    """
    span = shop.now - shop.start - 2 * _JUST_NOW
    block = max(15, layout.base // 60)
    steady = f"({shop.start} + CAST({span} * pow((p + 0.5) / {max(layout.base, 1)}, 0.75) AS BIGINT))"
    first = (
        f"({shop.start} + CAST({span} * pow((p // {block} * {block} + 0.5) / {max(layout.base, 1)}, 0.75) AS BIGINT))"
    )
    weekday = f"(({steady} // {DAY} + 4) % 7)"
    office = (
        f"({steady} // {DAY} * {DAY} - CASE {weekday} WHEN 6 THEN {DAY} WHEN 0 THEN {2 * DAY} ELSE 0 END "
        f"+ {13 * 3600} + {shop.roll('office hours', 'p', 9 * 3600)})"
    )
    shop.temp(
        "arrival",
        f"""
        WITH base AS (
            SELECT p, g, p AS original, imported,
                least(CASE WHEN imported THEN {first} ELSE {office} END, {shop.now - _JUST_NOW}) AS created
            FROM (SELECT p, g, {shop.chance("import", f"(p // {block})", 18)} AS imported FROM person WHERE g < 3))
        SELECT p, g, imported, created FROM base
        UNION ALL
        SELECT x.p, 2 AS g, false, created + CAST(({shop.now - _JUST_NOW} - created) * {shop.share("again", "x.p")}
            AS BIGINT)
        FROM extra x JOIN base ON base.p = x.original""",
    )
    entry, working, closed, converted = statuses(shop)
    age = f"({shop.now} - created)"
    early = shop.roll("fate", "p", 100)
    fate = f"""CASE WHEN g = 0 THEN {_CONVERTED} WHEN {age} < {2 * DAY} THEN CASE WHEN {early} < 85 THEN {_ENTRY}
        ELSE {_WORKING} END
        WHEN {age} < {30 * DAY} THEN CASE WHEN {early} < 45 THEN {_ENTRY} WHEN {early} < 95 THEN {_WORKING}
            ELSE {_CLOSED} END
        WHEN {early} < 10 THEN {_ENTRY} WHEN {early} < 35 THEN {_WORKING} ELSE {_CLOSED} END"""
    touched = f"created + 60 + CAST(least({age} * 0.3, {14 * DAY}) * pow({shop.share('touched', 'p')}, 2) AS BIGINT)"
    rest = f"least({shop.now - 600} - touched, {110 * DAY})"
    ended = f"touched + 60 + CAST({rest} * pow({shop.share('ended', 'p')}, 2) AS BIGINT)"
    shop.temp(
        "lead_life",
        f"""
        SELECT *, CASE WHEN fate >= {_CLOSED} THEN ended WHEN fate = {_WORKING} THEN touched ELSE created END
            AS modified,
            CASE WHEN queue_owned THEN (SELECT count(*) FROM rep) + p % 2
                ELSE {shop.roll("owner", "p", rep_count(layout))} END AS owner
        FROM (SELECT *, {ended} AS ended, fate = {_ENTRY} AND {shop.chance("queue", "p", 30)} AS queue_owned,
                {quote(entry)} AS entry_status, {shop.pick("working", "p", working)} AS working_status,
                CASE WHEN fate = {_CONVERTED} THEN {shop.pick("converted", "p", converted)}
                    ELSE {shop.pick("closed", "p", closed)} END AS final_status
            FROM (SELECT *, {touched} AS touched, {fate} AS fate, row_number() OVER (ORDER BY created, p) - 1 AS number
                FROM arrival))""",
    )
    shop.drop("arrival")
    shop.temp(
        "owner",
        """
        SELECT n AS owner, id AS owner_id FROM rep UNION ALL SELECT (SELECT count(*) FROM rep) + n, id FROM queue""",
    )


def statuses(shop: Workshop) -> tuple[str, list[str], list[str], list[str]]:
    """The org's own lead statuses: the entry one, those of work in progress, the closed ones, the converted ones."""
    rows = shop.run(
        'SELECT "ApiName", "IsDefault", "IsConverted" FROM "LeadStatus" ORDER BY "SortOrder", "ApiName"'
    ).fetchall()
    converted = [name for name, _, is_converted in rows if is_converted]
    other = [name for name, _, is_converted in rows if not is_converted]
    if not converted or not other:
        raise ValueError("the org has no usable lead process: LeadStatus needs a converted and an unconverted value")
    entry = next((name for name, default, _ in rows if default), other[0])
    closed = [n for n in other if n != entry and any(w in n.lower() for w in ("not converted", "qualified", "closed"))]
    working = [n for n in other if n != entry and n not in closed] or [entry]
    return entry, working, closed or working, converted


def store_leads(shop: Workshop, layout: Layout) -> None:
    """Write Lead and LeadHistory. Needs `account_no`, `contact_no`, `deal` and `touch`."""
    planted = "SELECT person.*, plant, variant FROM person LEFT JOIN {} USING (p) WHERE {}"
    still_open = planted.format("lead_plant", "g IN (1, 2)")
    converted = planted.format("converted_plant", "g = 0")
    shop.store("Lead", _lead_select(shop, layout, still_open, LEADS, partner=False))
    shop.store("Lead", _lead_select(shop, layout, converted, CONVERTED, partner=False))
    shop.store("Lead", _lead_select(shop, layout, "SELECT * FROM extra", LEADS, partner=True))
    _store_history(shop)


def _lead_select(shop: Workshop, layout: Layout, source: str, plants: tuple[Plant, ...], *, partner: bool) -> str:
    converted = f"fate = {_CONVERTED}"
    known = {
        "account_id": shop.id("Account", f"p % {layout.accounts}"),
        "created_day": shop.day("created"),
        "converted_status": statuses(shop)[3][0].replace("'", "''"),
    }
    usual = {
        "FirstName": f"CASE WHEN plant IS NULL AND strpos(surname, ' ') = 0 AND {shop.chance('no given', 'p', 1)} "
        "THEN NULL ELSE given END",
        "LastName": "surname",
        "Company": f"CASE WHEN {shop.chance('short company', 'p', 25)} THEN core ELSE name END",
        "Email": email(shop),
        "Phone": landline(),
        "MobilePhone": mobile(),
        "Status": f"CASE fate WHEN {_ENTRY} THEN entry_status WHEN {_WORKING} THEN working_status ELSE "
        "final_status END",
        "Description": "NULL",
        "ConvertedDate": f"CASE WHEN {converted} THEN {shop.day('ended')} END",
        "ConvertedAccountId": f"CASE WHEN {converted} THEN {shop.id('Account', 'account_number')} END",
    }
    columns = ", ".join(changed(c, sql, plants, partner=partner, **known) for c, sql in usual.items())
    sources = [v.value for v in shop.org.schema.full("Lead").fields["LeadSource"].values]
    addressed = shop.chance("lead address", "p", 80)
    known_address = {
        "Street": "street",
        "City": "city",
        "State": "state",
        "PostalCode": "postal",
        "Country": "country_name",
    }
    address = ", ".join(f"CASE WHEN {addressed} THEN {sql} END AS {name}" for name, sql in known_address.items())
    source_sql = f"CASE WHEN imported THEN 'Purchased List' ELSE {shop.pick('lead source', 'p', sources)} END"
    user = f"CASE WHEN queue_owned THEN {quote(shop.org.user_id)} ELSE owner_id END"
    creator = f"CASE WHEN imported THEN {marketing_user(shop)} ELSE {user} END"
    return f"""
        SELECT *, coalesce(FirstName || ' ', '') || LastName AS Name, '/services/images/photo/' || Id AS PhotoUrl FROM (
        SELECT {shop.id("Lead", "lead_number")} AS Id, {columns}, {address},
            CASE WHEN {shop.chance("salutation", "p", 40)} THEN CASE WHEN female THEN 'Ms.' ELSE 'Mr.' END END
                AS Salutation,
            CASE WHEN {shop.chance("has title", "p", 80)} THEN title END AS Title,
            CASE WHEN {shop.chance("lead website", "p", 35)} THEN 'www.' || domain END AS Website,
            {source_sql} AS LeadSource, CASE WHEN {shop.chance("lead industry", "p", 60)} THEN industry END AS Industry,
            CASE WHEN {shop.chance("rated", "p", 50)} THEN {shop.pick("rating", "p", ("Hot", "Warm", "Cold"))} END
                AS Rating,
            CASE WHEN {shop.chance("lead size", "p", 40)} THEN employees END AS NumberOfEmployees,
            CASE WHEN {shop.chance("lead size", "p", 40)} THEN employees * 120000 END AS AnnualRevenue,
            owner_id AS OwnerId, {converted} AS IsConverted,
            CASE WHEN {converted} THEN {shop.id("Contact", "contact_number")} END AS ConvertedContactId,
            {shop.id("Opportunity", "deal_number")} AS ConvertedOpportunityId,
            fate = {_ENTRY} AND {shop.chance("unread", "p", 50)} AS IsUnreadByOwner,
            {shop.chance("opted out", "p", 5)} AS HasOptedOutOfEmail, {shop.chance("do not call", "p", 3)} AS DoNotCall,
            CASE WHEN {shop.chance("external", "p", 30)} THEN 'WEB-' || lpad(CAST(p AS VARCHAR), 8, '0') END
                AS External_Id__c,
            CASE WHEN {shop.chance("interest", "p", 25)} THEN {shop.pick("interests", "p", _INTERESTS)} END
                AS Product_Interest__c,
            last_closed AS LastActivityDate, {shop.audit("created", "modified", creator, user)}
        FROM ({source}) JOIN company USING (c)
        JOIN (SELECT p, created, modified, ended, fate, imported, queue_owned, owner, entry_status, working_status,
            final_status,
                  number AS lead_number FROM lead_life) USING (p)
        JOIN owner USING (owner)
        LEFT JOIN (SELECT c, number AS account_number FROM account_no) USING (c)
        LEFT JOIN (SELECT p, number AS contact_number FROM contact_no) USING (p)
        LEFT JOIN (SELECT lead AS p, number AS deal_number FROM deal WHERE lead IS NOT NULL) USING (p)
        LEFT JOIN (SELECT key AS p, last_closed FROM touch WHERE target = 'lead') USING (p)
        ORDER BY lead_number)"""


_INTERESTS = ("Software", "Hardware;Software", "Services", "Software;Training;Support", "Hardware;Services", "Support")


def email(shop: Workshop) -> str:
    """SQL: the usual e-mail address of a person."""
    free = people.free_address(shop, "given_ascii", "surname_ascii", "p")
    return f"CASE WHEN no_email THEN NULL WHEN free_mail THEN {free} ELSE {MAIL} END"


def landline() -> str:
    direct = people.phone("landline", "format_roll", "direct")
    return f"CASE WHEN no_phone THEN NULL WHEN at_switchboard THEN {SWITCHBOARD} ELSE {direct} END"


def mobile() -> str:
    return f"CASE WHEN has_mobile THEN {people.phone('mobile', 'format_roll', 'mobile_digits')} END"


def _store_history(shop: Workshop) -> None:
    """Each step of the status, and the conversion; leads with a planted status have none."""
    entry, *_ = statuses(shop)
    steps = f"""
        SELECT number * 3 AS n, p, number, owner, touched AS moment, {quote(entry)} AS before, working_status
            AS after, 'Status' AS field
        FROM lead_life WHERE fate >= {_WORKING} AND working_status <> {quote(entry)}
        UNION ALL
        SELECT number * 3 + 1, p, number, owner, ended, working_status, final_status, 'Status' FROM lead_life
        WHERE fate >= {_CLOSED} AND working_status <> final_status
        UNION ALL
        SELECT number * 3 + 2, p, number, owner, ended, NULL, NULL, 'leadConverted' FROM lead_life
            WHERE fate = {_CONVERTED}"""
    fields = {f.name for f in shop.org.schema.full("LeadHistory").stored_fields}
    kind = "'DynamicEnum' AS DataType, " if "DataType" in fields else ""
    shop.store(
        "LeadHistory",
        f"""
        SELECT {shop.id("LeadHistory", "n")} AS Id, {shop.id("Lead", "number")} AS LeadId, field AS Field, {kind}
            before AS OldValue, after AS NewValue, owner_id AS CreatedById, {shop.time("moment")} AS CreatedDate
        FROM ({steps}) JOIN owner USING (owner)
        WHERE p NOT IN (SELECT p FROM lead_plant WHERE plant_code IN {_tuple("LEAD-STAT-001", "LEAD-STAT-002")})
        ORDER BY n""",
    )


def _tuple(*texts: str) -> str:
    return f"(SELECT unnest({text_list(texts)}))"
