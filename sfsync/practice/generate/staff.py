"""The org's own people: users, roles, queues, and the organisation's settings."""

from __future__ import annotations

from sfsync.practice.generate import names
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.workshop import DAY, Workshop, quote

_DOMAIN = "northwind-practice.example"
_ROLES = ("CEO", "VP Sales", "Sales Americas", "Sales EMEA", "Sales APAC", "Marketing")
_QUEUES = (("Inbound Leads", "Inbound_Leads"), ("Trade Show Leads", "Trade_Show_Leads"))


def make_staff(shop: Workshop, layout: Layout) -> None:
    """Users, roles and queues, stored; tables `rep` (n, id) of those who sell and `queue` (n, id)."""
    shop.run(
        """UPDATE "Organization" SET "TimeZoneSidKey" = 'America/New_York', "FiscalYearStartMonth" = 2,
               "UsesStartDateAsFiscalYearName" = false, "SystemModstamp" = greatest("SystemModstamp", $1::TIMESTAMP)""",
        [_stamp(shop)],
    )
    shop.org.write_periods()
    admin = quote(shop.org.user_id)
    founded = shop.start - 900 * DAY
    audit = shop.audit(str(founded), str(founded), admin, admin)
    shop.words("pool_role", "n INT, name VARCHAR", list(enumerate(_ROLES)))
    role = audit.replace(f"{shop.time(str(founded))} AS CreatedDate, {admin} AS CreatedById, ", "")
    shop.store(
        "UserRole",
        f"""
        SELECT {shop.id("UserRole", "n")} AS Id, name AS Name, replace(name, ' ', '_') AS DeveloperName,
            CASE WHEN n > 0 THEN {shop.id("UserRole", "CASE WHEN n < 2 THEN 0 ELSE 1 END")} END AS ParentRoleId, {role}
        FROM pool_role""",
    )
    _store_users(shop, layout, admin, founded)
    shop.words("pool_queue", "n INT, name VARCHAR, developer VARCHAR", [(n, *q) for n, q in enumerate(_QUEUES)])
    shop.store(
        "Group",
        f"""
        SELECT {shop.id("Group", "n")} AS Id, name AS Name, developer AS DeveloperName, 'Queue' AS Type, {audit}
            FROM pool_queue""",
    )
    shop.store(
        "QueueSobject",
        f"""
        SELECT {shop.id("QueueSobject", "n")} AS Id, {shop.id("Group", "n")} AS QueueId, 'Lead' AS SobjectType,
            {admin} AS CreatedById, {shop.time(str(founded))} AS SystemModstamp FROM pool_queue""",
    )
    shop.temp("queue", f"SELECT n, {shop.id('Group', 'n')} AS id FROM pool_queue")


def _store_users(shop: Workshop, layout: Layout, admin: str, founded: int) -> None:
    given, last = names.given_names("US"), names.surnames("US")
    people = [(n, given[n * 7 % len(given)], last[(n * 11 + 5) % len(last)]) for n in range(layout.users)]
    shop.words(
        "pool_user",
        "n INT, given VARCHAR, surname VARCHAR, local VARCHAR",
        [(n, g.text, s.text, f"{g.ascii}.{s.ascii}") for n, g, s in people],
    )
    inactive = f"(n > 0 AND {shop.chance('inactive user', 'n', 10)} OR n = 5)"
    created = f"({founded} + n * {500 * DAY // layout.users})"
    login = f"{shop.now} - {shop.roll('login', 'n', 5 * DAY)} - CASE WHEN {inactive} THEN {200 * DAY} ELSE 0 END"
    shop.store(
        "User",
        f"""
        SELECT {shop.id("User", "n")} AS Id, local || n || '@{_DOMAIN}' AS Username, local || '@{_DOMAIN}' AS Email,
            given AS FirstName, surname AS LastName, given || ' ' || surname AS Name, 'Northwind Practice'
                AS CompanyName,
            CASE WHEN n = 0 THEN 'Marketing' ELSE 'Sales' END AS Department,
            CASE WHEN n = 0 THEN 'Marketing Operations' WHEN n % 8 = 1 THEN 'Sales Manager' ELSE 'Account Executive'
                END AS Title,
            left(local, 3) || n AS Alias, local || n AS CommunityNickname, NOT {inactive} AS IsActive,
            'America/New_York' AS TimeZoneSidKey, 'en_US' AS LocaleSidKey, 'en_US' AS LanguageLocaleKey,
            'UTF-8' AS EmailEncodingKey, (SELECT min("ProfileId") FROM "User" WHERE "Id" = {admin}) AS ProfileId,
            'Standard' AS UserType, {shop.id("UserRole", "CASE WHEN n = 0 THEN 5 ELSE 2 + n % 3 END")} AS UserRoleId,
            CASE WHEN n > 8 THEN {shop.id("User", "1 + n % 8")} END AS ManagerId, n > 0 AS ForecastEnabled,
            {shop.time(login)} AS LastLoginDate, lpad(CAST(n AS VARCHAR), 5, '0') AS EmployeeNumber,
            {shop.audit(created, login, admin, admin)}
        FROM pool_user""",
    )
    shop.temp("rep", f"SELECT n - 1 AS n, {shop.id('User', 'n')} AS id FROM pool_user WHERE n > 0")


def marketing_user(shop: Workshop) -> str:
    """SQL: the Id of the user who imports lists."""
    return shop.id("User", "0")


def rep_count(layout: Layout) -> int:
    return layout.users - 1


def _stamp(shop: Workshop) -> str:
    row = shop.run(f"SELECT CAST({shop.time(str(shop.now))} AS VARCHAR)").fetchone()
    return str(row[0]) if row else ""
