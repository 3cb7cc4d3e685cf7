"""Accounts and contacts: the companies that are customers or may be, and the people there."""

from __future__ import annotations

from sfsync.practice.generate.catalogue import ACCOUNTS, CONTACTS
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.leads import email, landline, mobile
from sfsync.practice.generate.plants import changed, choose
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
    shop.temp(
        "account_no",
        f"""
        SELECT c, created, row_number() OVER (ORDER BY created, c) - 1 AS number,
            {shop.roll("account owner", "c", rep_count(layout))} AS owner
        FROM (SELECT c, CASE WHEN {shop.chance("born by conversion", "c", 50)} THEN coalesce(first, {opened})
                ELSE least({opened}, coalesce(first, {opened})) END AS created
            FROM range({layout.accounts}) t(c) LEFT JOIN (
                SELECT c, min(ended) AS first FROM person JOIN lead_life USING (p, g) WHERE g = 0 GROUP BY c)
                    USING (c))""",
    )
    shop.temp(
        "contact_no",
        f"""
        SELECT p, c, created, row_number() OVER (ORDER BY created, p) - 1 AS number, owner
        FROM (SELECT p, c, ended AS created, l.owner FROM person JOIN lead_life l USING (p, g) WHERE g = 0
            UNION ALL
            SELECT p, c, created + CAST(greatest(0, {shop.now} - 3600 - created) * {shop.share("met", "p")}
                AS BIGINT), owner
            FROM person JOIN account_no USING (c) WHERE g = 3)""",
    )


def store_accounts(shop: Workshop, layout: Layout) -> None:
    """Write Account. Needs `deal` for who is a customer."""
    source = f"SELECT c, code, name, core, form, city FROM company WHERE c < {layout.accounts}"
    choose(shop, "account_plant", "c", source, ACCOUNTS, layout.leads)
    modified = _modified(shop, "c")
    sites = ("https://www.", "www.", "http://", "")
    usual = {
        "Name": "name",
        "BillingCity": "city",
        "Description": "NULL",
        "AnnualRevenue": f"CAST(employees * (60000 + {shop.roll('revenue', 'c', 190000)}) AS DECIMAL(18,0))",
    }
    columns = ", ".join(changed(column, sql, ACCOUNTS) for column, sql in usual.items())
    prospect = "CASE WHEN {} THEN 'Channel Partner / Reseller' ELSE 'Prospect' END".format(
        shop.chance("partner", "c", 4)
    )
    # A parent always has a smaller c, so no chain of parents ever closes.
    parent = f"CASE WHEN c >= 8 AND {shop.chance('subsidiary', 'c', 12)} THEN {shop.roll('parent', 'c', 'c // 8')} END"
    account_id = shop.id("Account", "number_of_account")
    shop.store(
        "Account",
        f"""
        SELECT *, '/services/images/photo/' || Id AS PhotoUrl FROM (
        SELECT {account_id} AS Id, {columns}, {shop.id("Account", "parent.number")} AS ParentId,
            CASE WHEN won THEN 'Customer - Direct' ELSE {prospect} END AS Type, street AS BillingStreet, state
                AS BillingState,
            postal AS BillingPostalCode, country_name AS BillingCountry, dial(landline[1], area, digits) AS Phone,
            CASE WHEN {shop.chance("site", "c", 85)} THEN {shop.pick("scheme", "c", sites)} || domain END AS Website,
            industry AS Industry, employees AS NumberOfEmployees, lpad(CAST(c * 7 AS VARCHAR), 9, '0') AS AccountNumber,
            {shop.pick("ownership", "c", ("Private", "Private", "Private", "Public", "Subsidiary"))} AS Ownership,
            CASE WHEN {shop.chance("account rating", "c", 40)} THEN {shop.pick("heat", "c", ("Hot", "Warm", "Cold"))}
                END AS Rating,
            CASE WHEN {shop.chance("account source", "c", 60)}
                THEN {shop.pick("found by", "c", ("Web", "Partner Referral", "Other"))} END AS AccountSource,
            'ERP-' || lpad(CAST(c AS VARCHAR), 7, '0') AS External_Id__c, last_closed AS LastActivityDate, id
                AS OwnerId,
            {shop.audit("created", modified, "id", "id")}
        FROM (SELECT *, {parent} AS parent_c FROM company WHERE c < {layout.accounts})
        JOIN (SELECT c, number AS number_of_account, created, owner FROM account_no) USING (c) JOIN rep ON rep.n = owner
        LEFT JOIN (SELECT c AS parent_c, number FROM account_no) parent USING (parent_c)
        LEFT JOIN (SELECT c, bool_or(won) AS won FROM deal GROUP BY c) USING (c)
        LEFT JOIN (SELECT key AS c, last_closed FROM touch WHERE target = 'account') USING (c)
        LEFT JOIN account_plant USING (c)
        ORDER BY number_of_account)""",
    )


def store_contacts(shop: Workshop, layout: Layout) -> None:
    """Write Contact: those of converted leads as the conversion left them, and others."""
    source = "SELECT p, code, surname, given FROM person WHERE g = 3"
    choose(shop, "contact_plant", "p", source, CONTACTS, layout.leads)
    usual = {
        "FirstName": "given",
        "LastName": "surname",
        "Title": f"CASE WHEN {shop.chance('has title', 'p', 80)} THEN title END",
        "Email": email(shop),
        "Description": "NULL",
        "AccountId": shop.id("Account", "account_number"),
    }
    columns = ", ".join(changed(column, sql, CONTACTS) for column, sql in usual.items())
    sources = [v.value for v in shop.org.schema.full("Contact").fields["LeadSource"].values]
    departments = ("Sales", "Finance", "IT", "Operations", "Purchasing", "Production")
    creator = "id"
    boss = f"CASE WHEN place > 0 AND plant IS NULL AND {shop.chance('reports', 'p', 25)} THEN boss END"
    shop.store(
        "Contact",
        f"""
        SELECT *, coalesce(FirstName || ' ', '') || LastName AS Name, '/services/images/photo/' || Id AS PhotoUrl FROM (
        SELECT {shop.id("Contact", "contact_number")} AS Id, {columns}, {shop.id("Contact", boss)} AS ReportsToId,
            CASE WHEN {shop.chance("salutation", "p", 40)} THEN CASE WHEN female THEN 'Ms.' ELSE 'Mr.' END END
                AS Salutation,
            {landline()} AS Phone, {mobile()} AS MobilePhone, {shop.pick("department", "p", departments)} AS Department,
            street AS MailingStreet, city AS MailingCity, state AS MailingState, postal AS MailingPostalCode,
            country_name AS MailingCountry, {shop.pick("lead source", "p", sources)} AS LeadSource,
            CASE WHEN {shop.chance("birthday", "p", 6)} THEN DATE '1955-01-01' + CAST({shop.roll("born", "p", 16000)}
                AS INT) END AS Birthdate,
            {shop.chance("opted out", "p", 5)} AS HasOptedOutOfEmail, {shop.chance("do not call", "p", 3)} AS DoNotCall,
            last_closed AS LastActivityDate, id AS OwnerId, {shop.audit("created", _modified(shop, "p"), creator, "id")}
        FROM person JOIN company USING (c)
        JOIN (SELECT p, number AS contact_number, created, owner FROM contact_no) USING (p) JOIN rep ON rep.n = owner
        JOIN (SELECT c, number AS account_number FROM account_no) USING (c)
        JOIN (SELECT p, place, boss FROM contact_place) USING (p)
        LEFT JOIN (SELECT key AS p, last_closed FROM touch WHERE target = 'contact') USING (p)
        LEFT JOIN contact_plant USING (p)
        ORDER BY contact_number)""",
    )


def place_contacts(shop: Workshop) -> None:
    """Table `contact_place`: each contact's place (from 0) in its account, how many there are, and who leads."""
    shop.temp(
        "contact_place",
        """
        SELECT p, c, number, created, row_number() OVER at_account - 1 AS place, count(*) OVER (PARTITION BY c)
            AS places,
            first(number) OVER at_account AS boss
        FROM contact_no WINDOW at_account AS (PARTITION BY c ORDER BY number)""",
    )


def _modified(shop: Workshop, key: str) -> str:
    """SQL: when the record was last changed; six in ten never were."""
    later = f"created + CAST(({shop.now} - created) * {shop.share('modified', key)} AS BIGINT)"
    return f"CASE WHEN {shop.chance('changed', key, 40)} THEN {later} ELSE created END"
