"""Accounts and contacts: the companies that are customers or may be, and the people there."""

from __future__ import annotations

from sfsync.practice.generate.catalogue import ACCOUNTS, CONTACTS
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.leads import email, landline, mobile
from sfsync.practice.generate.plants import changed
from sfsync.practice.generate.staff import rep_count
from sfsync.practice.generate.workshop import DAY, Workshop


def number_accounts(shop: Workshop, layout: Layout) -> None:
    """Tables `account_no` and `contact_no`: number, created and owner of each, in the order they came.

    Half the accounts with converted leads began with the first conversion; none is younger than its first.
    """
    opened = (
        f"({shop.start - 400 * DAY} + CAST({shop.now - shop.start + 300 * DAY} * "
        f"pow({shop.share('opened', 'c')}, 0.8) AS BIGINT))"
    )
    left = f"greatest(0, {shop.now} - 3600 - created)"
    shop.temp(
        "account_no",
        f"""
        WITH grown AS (
            SELECT c, CASE WHEN {shop.chance("born by conversion", "c", 50)} THEN coalesce(first, {opened})
                ELSE least({opened}, coalesce(first, {opened})) END AS created
            FROM range({layout.accounts}) t(c) LEFT JOIN (
                SELECT c, min(ended) AS first FROM person JOIN lead_life USING (p, g) WHERE g = 0 GROUP BY c)
                    USING (c))
        SELECT c, created, row_number() OVER (ORDER BY created, c) - 1 AS number,
            {shop.roll("account owner", "c", rep_count(layout))} AS owner
        FROM (SELECT * FROM grown UNION ALL
            SELECT x.c, created + CAST({left} * {shop.share("again", "x.c")} AS BIGINT)
            FROM account_extra x JOIN grown ON grown.c = x.original)""",
    )
    met = f"created + CAST({left} * {shop.share('met', 'p')} AS BIGINT)"
    shop.temp(
        "contact_no",
        f"""
        WITH grown AS (
            SELECT p, c, ended AS created, l.owner FROM person JOIN lead_life l USING (p, g) WHERE g = 0
            UNION ALL
            SELECT p, c, {met}, owner FROM person JOIN account_no USING (c) WHERE g = 3)
        SELECT p, c, created, row_number() OVER (ORDER BY created, p) - 1 AS number, owner
        FROM (SELECT * FROM grown UNION ALL
            SELECT p, c, {met}, owner
            FROM (SELECT x.p, x.c, greatest(a.created, coalesce(o.created, 0)) AS created, a.owner
                FROM contact_extra x JOIN account_no a USING (c) LEFT JOIN grown o ON o.p = x.original))""",
    )


def store_accounts(shop: Workshop, layout: Layout) -> None:
    """Write Account. Needs `deal` for who is a customer."""
    planted = "SELECT company.*, plant, variant, NULL AS original FROM company LEFT JOIN account_plant USING (c) "
    added = "SELECT company.*, plant, variant, original FROM company JOIN account_extra USING (c)"
    shop.store("Account", _account_select(shop, f"{planted} WHERE c < {layout.accounts}", partner=False))
    shop.store("Account", _account_select(shop, added, partner=True))


def _account_select(shop: Workshop, source: str, *, partner: bool) -> str:
    modified = _modified(shop, "c")
    sites = ("https://www.", "www.", "http://", "")
    usual = {
        "Name": "name",
        "BillingCity": "city",
        "BillingStreet": "street",
        "Phone": "dial(landline[1], area, digits)",
        "Website": f"CASE WHEN {shop.chance('site', 'c', 85)} THEN {shop.pick('scheme', 'c', sites)} || domain END",
        "ParentId": shop.id("Account", "parent.number"),
        "Description": "NULL",
        "AnnualRevenue": f"CAST(employees * (60000 + {shop.roll('revenue', 'c', 190000)}) AS DECIMAL(18,0))",
    }
    known = {"original": shop.id("Account", "original_number")}
    columns = ", ".join(changed(column, sql, ACCOUNTS, partner=partner, **known) for column, sql in usual.items())
    prospect = "CASE WHEN {} THEN 'Channel Partner / Reseller' ELSE 'Prospect' END".format(
        shop.chance("partner", "c", 4)
    )
    # A parent always has a smaller c, so no chain of parents ever closes.
    owned = f"original IS NULL AND c >= 8 AND {shop.chance('subsidiary', 'c', 12)}"
    parent = f"CASE WHEN {owned} THEN {shop.roll('parent', 'c', 'c // 8')} END"
    account_id = shop.id("Account", "number_of_account")
    return f"""
        SELECT *, '/services/images/photo/' || Id AS PhotoUrl FROM (
        SELECT {account_id} AS Id, {columns},
            CASE WHEN won THEN 'Customer - Direct' ELSE {prospect} END AS Type, state AS BillingState,
            postal AS BillingPostalCode, country_name AS BillingCountry,
            industry AS Industry, employees AS NumberOfEmployees, lpad(CAST(c * 7 AS VARCHAR), 9, '0') AS AccountNumber,
            {shop.pick("ownership", "c", ("Private", "Private", "Private", "Public", "Subsidiary"))} AS Ownership,
            CASE WHEN {shop.chance("account rating", "c", 40)} THEN {shop.pick("heat", "c", ("Hot", "Warm", "Cold"))}
                END AS Rating,
            CASE WHEN {shop.chance("account source", "c", 60)}
                THEN {shop.pick("found by", "c", ("Web", "Partner Referral", "Other"))} END AS AccountSource,
            'ERP-' || lpad(CAST(c AS VARCHAR), 7, '0') AS External_Id__c, last_closed AS LastActivityDate, id
                AS OwnerId,
            {shop.audit("created", modified, "id", "id")}
        FROM (SELECT *, {parent} AS parent_c FROM ({source}))
        JOIN (SELECT c, number AS number_of_account, created, owner FROM account_no) USING (c) JOIN rep ON rep.n = owner
        LEFT JOIN (SELECT c AS parent_c, number FROM account_no) parent USING (parent_c)
        LEFT JOIN (SELECT c AS original, number AS original_number FROM account_no) USING (original)
        LEFT JOIN (SELECT c, bool_or(won) AS won FROM deal GROUP BY c) USING (c)
        LEFT JOIN (SELECT key AS c, last_closed FROM touch WHERE target = 'account') USING (c)
        ORDER BY number_of_account)"""


def store_contacts(shop: Workshop) -> None:
    """Write Contact: those of converted leads as the conversion left them, and others."""
    planted = "SELECT person.*, plant, variant FROM person LEFT JOIN contact_plant USING (p)"
    shop.store("Contact", _contact_select(shop, planted, partner=False))
    shop.store("Contact", _contact_select(shop, "SELECT * FROM contact_extra", partner=True))


def _contact_select(shop: Workshop, source: str, *, partner: bool) -> str:
    usual = {
        "FirstName": "given",
        "LastName": "surname",
        "Title": f"CASE WHEN {shop.chance('has title', 'p', 80)} THEN title END",
        "Email": email(shop),
        "Phone": landline(),
        "MobilePhone": mobile(),
        "Description": "NULL",
        "AccountId": shop.id("Account", "account_number"),
    }
    columns = ", ".join(changed(column, sql, CONTACTS, partner=partner) for column, sql in usual.items())
    sources = [v.value for v in shop.org.schema.full("Contact").fields["LeadSource"].values]
    departments = ("Sales", "Finance", "IT", "Operations", "Purchasing", "Production")
    creator = "id"
    boss = f"CASE WHEN place > 0 AND plant IS NULL AND {shop.chance('reports', 'p', 25)} THEN boss END"
    return f"""
        SELECT *, coalesce(FirstName || ' ', '') || LastName AS Name, '/services/images/photo/' || Id AS PhotoUrl FROM (
        SELECT {shop.id("Contact", "contact_number")} AS Id, {columns}, {shop.id("Contact", boss)} AS ReportsToId,
            CASE WHEN {shop.chance("salutation", "p", 40)} THEN CASE WHEN female THEN 'Ms.' ELSE 'Mr.' END END
                AS Salutation,
            {shop.pick("department", "p", departments)} AS Department,
            street AS MailingStreet, city AS MailingCity, state AS MailingState, postal AS MailingPostalCode,
            country_name AS MailingCountry, {shop.pick("lead source", "p", sources)} AS LeadSource,
            CASE WHEN {shop.chance("birthday", "p", 6)} THEN DATE '1955-01-01' + CAST({shop.roll("born", "p", 16000)}
                AS INT) END AS Birthdate,
            {shop.chance("opted out", "p", 5)} AS HasOptedOutOfEmail, {shop.chance("do not call", "p", 3)} AS DoNotCall,
            last_closed AS LastActivityDate, id AS OwnerId, {shop.audit("created", _modified(shop, "p"), creator, "id")}
        FROM ({source}) JOIN company USING (c)
        JOIN (SELECT p, number AS contact_number, created, owner FROM contact_no) USING (p) JOIN rep ON rep.n = owner
        JOIN (SELECT c, number AS account_number FROM account_no) USING (c)
        LEFT JOIN (SELECT p, place, boss FROM contact_place) USING (p)
        LEFT JOIN (SELECT key AS p, last_closed FROM touch WHERE target = 'contact') USING (p)
        ORDER BY contact_number)"""


def place_contacts(shop: Workshop) -> None:
    """Table `contact_place`: each contact's place (from 0) in its account, how many there are, and who leads.

    Those put beside others have none: they lead nobody and are in no deal.
    """
    shop.temp(
        "contact_place",
        """
        SELECT p, c, number, created, row_number() OVER at_account - 1 AS place, count(*) OVER (PARTITION BY c)
            AS places,
            first(number) OVER at_account AS boss
        FROM contact_no WHERE p NOT IN (SELECT p FROM contact_extra)
        WINDOW at_account AS (PARTITION BY c ORDER BY number)""",
    )


def _modified(shop: Workshop, key: str) -> str:
    """SQL: when the record was last changed; six in ten never were."""
    later = f"created + CAST(({shop.now} - created) * {shop.share('modified', key)} AS BIGINT)"
    return f"CASE WHEN {shop.chance('changed', key, 40)} THEN {later} ELSE created END"
