"""The generator: what it promises is looked up again in the data, by SQL which shares nothing with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import phonenumbers
import pytest

from sfsync.practice.clock import Clock
from sfsync.practice.generate import Truth, generate
from sfsync.practice.generate.layout import MAX_LEADS
from sfsync.practice.generate.places import COUNTRIES
from sfsync.practice.ids import make_id, normal
from sfsync.practice.org import PracticeOrg

TODAY = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
LEADS = 5000
SOBJECTS = (
    *("Lead", "Account", "Contact", "Opportunity", "OpportunityHistory", "OpportunityContactRole", "Task"),
    *("LeadHistory", "User", "UserRole", "Group", "QueueSobject", "Campaign", "CampaignMember"),
)


def new_org() -> PracticeOrg:
    clock = Clock()
    clock.freeze(TODAY)
    return PracticeOrg(clock=clock)


class Made:
    def __init__(self, leads: int, seed: int = 1):
        self.org = new_org()
        self.truth: Truth = generate(self.org, leads=leads, seed=seed)
        self.cursor = self.org.cursor()

    def all(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.cursor.execute(sql, list(parameters)).fetchall()

    def ids(self, sql: str) -> set[str]:
        return {row[0] for row in self.all(sql)}

    def one(self, sql: str) -> Any:
        return self.all(sql)[0][0]

    def labelled(self, kind: str, code: str) -> set[str]:
        return {row[0] for row in self.all("SELECT id FROM practice_truth WHERE kind = $1 AND code = $2", kind, code)}

    def digest(self) -> str:
        whole = hashlib.sha256()
        for sobject in SOBJECTS:
            for row in self.org.dump(sobject):
                whole.update(repr(sorted(row.items())).encode())
        whole.update(repr(self.all("SELECT * FROM practice_truth")).encode())
        return whole.hexdigest()

    def close(self) -> None:
        self.cursor.close()
        self.org.close()


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    made = Made(LEADS)
    yield made
    made.close()


# -- what the rules say, in SQL of their own --------------------------------------------------------------------

VALID_EMAIL = r"^[^\s@.,;:<>＠]+(\.[^\s@.,;:<>＠]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$"
SPACES = r"^\s|\s$|\s\s|\x{200B}|\x{FEFF}"
ISSUES = (
    SPACES,
    r"[\x{0000}-\x{001F}\x{007F}-\x{009F}\x{FFFD}]",
    "Ã[©¼¶¤±§¨]|â€",
    r"&[a-z]+;|<[a-z/]",
    r"^[=@]|^[+-][^0-9]",
)


def untidy(*columns: str) -> str:
    found = [f"coalesce(regexp_matches({c}, '{issue}'), false)" for c in columns for issue in ISSUES]
    found += [
        f"(length({c}) >= 5 AND upper({c}) = {c} AND lower({c}) <> {c} AND regexp_matches({c}, '[AEIOUYÄÖÜ]'))"
        for c in columns
    ]
    return f"coalesce({' OR '.join(found)}, false)"


LIVE_LEAD = 'SELECT "Id" FROM "Lead" WHERE NOT "IsConverted" AND '
STAGES = '(SELECT "ApiName" FROM "OpportunityStage")'
BROKEN = {
    "LEAD-STAT-001": LIVE_LEAD + '("Status" IS NULL OR "Status" NOT IN (SELECT "ApiName" FROM "LeadStatus"))',
    "LEAD-STAT-002": LIVE_LEAD + '"Status" IN (SELECT "ApiName" FROM "LeadStatus" WHERE "IsConverted")',
    "LEAD-CONV-001": 'SELECT "Id" FROM "Lead" WHERE "IsConverted" AND "ConvertedAccountId" IS NULL',
    "LEAD-CONV-003": LIVE_LEAD
    + 'coalesce("ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId", "ConvertedDate"::VARCHAR)'
    " IS NOT NULL",
    "CONT-001": 'SELECT "Id" FROM "Contact" WHERE "AccountId" IS NULL',
    "OPP-001": 'SELECT "Id" FROM "Opportunity" WHERE "AccountId" IS NULL',
    "OPP-002": f'SELECT "Id" FROM "Opportunity" WHERE "StageName" IS NULL OR "StageName" NOT IN {STAGES}',
    "FCST-002": """SELECT "Id" FROM "Opportunity" WHERE (NOT "IsClosed" AND "ForecastCategory" = 'Closed')
        OR ("IsWon" AND "ForecastCategory" NOT IN ('Closed', 'Omitted'))
        OR ("IsClosed" AND NOT "IsWon" AND "ForecastCategory" <> 'Omitted')""",
    "DQ-001": LIVE_LEAD
    + f""""Email" IS NOT NULL AND NOT regexp_matches(lower("Email"), '{VALID_EMAIL}')
        UNION ALL SELECT "Id" FROM "Contact"
        WHERE "Email" IS NOT NULL AND NOT regexp_matches(lower("Email"), '{VALID_EMAIL}')""",
    "DQ-006": LIVE_LEAD
    + f"""({untidy('"FirstName"', '"LastName"', '"Company"')} OR
            ("FirstName" IS NULL AND regexp_matches("LastName", '[, ]')))
        UNION ALL SELECT "Id" FROM "Contact" WHERE {untidy('"FirstName"', '"LastName"', '"Title"')}
            OR ("FirstName" IS NULL AND regexp_matches("LastName", '[, ]'))
        UNION ALL SELECT "Id" FROM "Account" WHERE {untidy('"Name"', '"BillingCity"')}""",
}


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_exactly_the_labelled_records_break_a_rule(made: Made, rule: str) -> None:
    labelled = made.labelled("defect", rule)
    assert made.ids(BROKEN[rule]) == labelled
    assert len(labelled) == made.truth.defects[rule] >= 3


def test_every_rule_with_planted_defects_is_checked_here(made: Made) -> None:
    assert set(made.truth.defects) == set(BROKEN)


# -- numbers and determinism ------------------------------------------------------------------------------------


def test_same_seed_and_clock_give_the_same_records() -> None:
    again, other, third = Made(400, seed=7), Made(400, seed=7), Made(400, seed=8)
    try:
        assert again.digest() == other.digest()
        assert again.digest() != third.digest()
    finally:
        for org in (again, other, third):
            org.close()


def test_counts_are_as_asked_and_as_reported(made: Made) -> None:
    assert made.truth.rows["Lead"] == LEADS
    for sobject, count in made.truth.rows.items():
        already = {"User": 1}.get(sobject, 0)
        assert made.one(f'SELECT count(*) FROM "{sobject}"') == count + already
    rows = made.truth.rows
    assert rows["Account"] == pytest.approx(LEADS * 0.25, rel=0.05)
    assert rows["Contact"] == pytest.approx(LEADS * 0.60, rel=0.05)
    assert rows["Opportunity"] == pytest.approx(LEADS * 0.40, rel=0.05)
    assert made.one('SELECT avg("IsConverted"::INT) FROM "Lead"') == pytest.approx(0.20, abs=0.02)


@pytest.mark.parametrize("leads", [1, 7, 60, 300])
def test_small_orgs_are_whole(leads: int) -> None:
    small = Made(leads)
    try:
        assert small.one('SELECT count(*) FROM "Lead"') == leads
        for rule, sql in BROKEN.items():
            assert small.ids(sql) == small.labelled("defect", rule)
            if leads >= 300:
                assert small.truth.defects[rule] >= 3
        if leads >= 300:
            assert min(small.truth.duplicates.values()) >= 3
            assert min(small.truth.near_misses.values()) >= 3
    finally:
        small.close()


def test_an_org_with_leads_is_refused(made: Made) -> None:
    with pytest.raises(ValueError, match="already"):
        generate(made.org, leads=10)


@pytest.mark.parametrize("leads", [0, -1, MAX_LEADS + 1])
def test_a_number_of_leads_out_of_range_is_refused(leads: int) -> None:
    org = new_org()
    try:
        with pytest.raises(ValueError, match="leads must be"):
            generate(org, leads=leads)
        assert list(org.dump("Lead")) == []
    finally:
        org.close()


def test_progress_counts_up_to_all_steps() -> None:
    org = new_org()
    told: list[tuple[str, int, int]] = []
    try:
        generate(org, leads=30, progress=lambda name, done, total: told.append((name, done, total)))
    finally:
        org.close()
    assert [done for _, done, _ in told] == list(range(told[0][2] + 1))


def test_nothing_temporary_is_left_behind(made: Made) -> None:
    with made.org.transaction() as connection:
        left = connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    assert left == []


MEMBERS = """
    SELECT m.*, l."CreatedDate" AS came, l."IsConverted" AS converted, l."ConvertedDate" AS ended,
        l."ConvertedContactId" AS became, c."StartDate" AS starts
    FROM "CampaignMember" m JOIN "Campaign" c ON c."Id" = m."CampaignId" LEFT JOIN "Lead" l ON l."Id" = m."LeadId" """


def test_leads_are_in_campaigns_and_stay_when_they_are_converted(made: Made) -> None:
    members = f"SELECT count(*) FROM ({MEMBERS})"
    everybody = made.one(members)
    assert everybody == made.truth.rows["CampaignMember"] > 0.3 * LEADS
    assert made.one(f"{members} WHERE converted") > 100
    assert made.one(f'{members} WHERE "LeadId" IS NULL') > 100
    assert 0.2 < made.one(f'{members} WHERE "HasResponded"') / everybody < 0.3
    wrong = (
        '"LeadId" IS NULL AND "ContactId" IS NULL',
        '"LeadId" IS NOT NULL AND "ContactId" IS DISTINCT FROM CASE WHEN converted THEN became END',
        '"CreatedDate" < greatest(came, starts) OR (converted AND "CreatedDate"::DATE > ended)',
        """("Status" = 'Responded') <> "HasResponded" OR "HasResponded" = ("FirstRespondedDate" IS NULL)""",
        '"FirstRespondedDate" < "CreatedDate"::DATE',
    )
    for condition in wrong:
        assert made.one(f"{members} WHERE {condition}") == 0, condition
    assert made.one('SELECT max(n) FROM (SELECT count(*) AS n FROM "CampaignMember" GROUP BY "CampaignId", '
                    'coalesce("LeadId", "ContactId"))') == 1  # fmt: skip
    assert made.one('SELECT count(*) FROM (SELECT 1 FROM "CampaignMember" WHERE "LeadId" IS NOT NULL GROUP BY "LeadId" '
                    "HAVING count(*) > 1)") > 50  # fmt: skip


# -- Ids, references, times -------------------------------------------------------------------------------------


def test_ids_are_valid_unique_and_of_their_object(made: Made) -> None:
    for sobject in SOBJECTS:
        prefix = made.org.schema.full(sobject).prefix
        ids = [row[0] for row in made.all(f'SELECT "Id" FROM "{sobject}"')]
        assert len(set(ids)) == len(ids)
        assert all(normal(i) == i and i.startswith(prefix) for i in ids)


def test_records_saved_later_get_new_ids(made: Made) -> None:
    taken = made.ids('SELECT "Id" FROM "Contact"')
    (new,) = made.org.new_ids("Contact", 1)
    assert new not in taken
    assert new > max(taken)
    assert make_id("003", 1) in taken


def test_every_reference_leads_to_a_record(made: Made) -> None:
    for sobject in SOBJECTS:
        for field in made.org.schema.full(sobject).fields.values():
            parents = [p for p in field.refers if made.org.schema.get(p)]
            if field.type != "reference" or not field.stored or not parents:
                continue
            known = " UNION ALL ".join(f'SELECT "Id" FROM "{p}"' for p in parents)
            column = f'"{sobject}"."{field.name}"'
            lost = made.one(
                f'SELECT count(*) FROM "{sobject}" WHERE {column} IS NOT NULL AND {column} NOT IN ({known})'
            )
            assert lost == 0, f"{sobject}.{field.name}"


def test_required_fields_are_filled_and_booleans_never_null(made: Made) -> None:
    for sobject in SOBJECTS:
        for field in made.org.schema.full(sobject).stored_fields:
            if not field.nillable:
                assert made.one(f'SELECT count(*) FROM "{sobject}" WHERE "{field.name}" IS NULL') == 0, (sobject, field)


def test_text_fits_its_field_and_is_never_empty(made: Made) -> None:
    for sobject in SOBJECTS:
        for field in made.org.schema.full(sobject).stored_fields:
            if field.column_type == "VARCHAR" and field.length:
                bad = f'SELECT count(*) FROM "{sobject}" WHERE length("{field.name}") NOT BETWEEN 1 AND {field.length}'
                assert made.one(bad) == 0, (sobject, field.name)


def test_restricted_picklists_hold_only_their_values(made: Made) -> None:
    for sobject in ("Lead", "Account", "Contact", "Opportunity", "Task", "OpportunityHistory"):
        for field in made.org.schema.full(sobject).stored_fields:
            if field.type == "picklist" and field.values and field.name not in ("Status", "StageName", "Field"):
                used = made.ids(f'SELECT DISTINCT "{field.name}" FROM "{sobject}" WHERE "{field.name}" IS NOT NULL')
                assert used <= {v.value for v in field.values}, (sobject, field.name)


def test_no_time_is_in_the_future_and_none_runs_backwards(made: Made) -> None:
    now = TODAY.replace(tzinfo=None)
    for sobject in ("Lead", "Account", "Contact", "Opportunity", "OpportunityContactRole", "Task", "User", "Group"):
        wrong = made.all(
            f"""SELECT count(*) FROM "{sobject}" WHERE "CreatedDate" > "LastModifiedDate"
                OR "LastModifiedDate" > "SystemModstamp" OR "SystemModstamp" > $1
                OR "CreatedDate" <> date_trunc('second', "CreatedDate")""",
            now,
        )
        assert wrong == [(0,)], sobject
    for sobject in ("LeadHistory", "OpportunityHistory"):
        assert made.all(f'SELECT count(*) FROM "{sobject}" WHERE "CreatedDate" > $1', now) == [(0,)]


def test_leads_came_in_over_three_years_and_imports_share_a_second(made: Made) -> None:
    first, last = made.all('SELECT min("CreatedDate"), max("CreatedDate") FROM "Lead"')[0]
    assert last - first > timedelta(days=1000)
    assert made.one('SELECT max(n) FROM (SELECT count(*) AS n FROM "Lead" GROUP BY "CreatedDate")') >= 20


# -- leads, deals, people ---------------------------------------------------------------------------------------


def test_converted_leads_lead_to_their_account_contact_and_opportunity(made: Made) -> None:
    wrong = made.one(
        """SELECT count(*) FROM "Lead" l
           JOIN "Contact" c ON c."Id" = l."ConvertedContactId"
           LEFT JOIN "Opportunity" o ON o."Id" = l."ConvertedOpportunityId"
           WHERE l."IsConverted" AND (l."ConvertedDate" IS NULL OR l."ConvertedDate" <> c."CreatedDate"::DATE
              OR l."ConvertedAccountId" <> c."AccountId" OR (o."Id" IS NOT NULL AND o."AccountId" <> c."AccountId")
              OR o."CreatedDate" <> c."CreatedDate" OR c."Email" IS DISTINCT FROM l."Email"
              OR c."LastName" <> l."LastName" OR l."Status" <> 'Closed - Converted')"""
    )
    assert wrong == 0
    opportunities = made.one('SELECT count("ConvertedOpportunityId") FROM "Lead"')
    assert opportunities == pytest.approx(made.truth.rows["Lead"] * 0.12, rel=0.05)


def test_opportunity_flags_follow_the_stage(made: Made) -> None:
    wrong = made.one(
        """SELECT count(*) FROM "Opportunity" o JOIN "OpportunityStage" s ON s."ApiName" = o."StageName"
           WHERE o."IsClosed" <> s."IsClosed" OR o."IsWon" <> s."IsWon" OR (s."IsClosed"
               AND o."Probability" <> s."DefaultProbability")
              OR abs(o."ExpectedRevenue" - o."Amount" * o."Probability" / 100) > 0.01"""
    )
    assert wrong == 0


def test_the_newest_history_row_says_what_the_opportunity_says(made: Made) -> None:
    wrong = made.one(
        """SELECT count(*) FROM "Opportunity" o JOIN (
             SELECT *, row_number() OVER (PARTITION BY "OpportunityId" ORDER BY "CreatedDate" DESC, "Id" DESC) AS place
             FROM "OpportunityHistory") h ON h."OpportunityId" = o."Id" AND place = 1
           WHERE h."StageName" <> o."StageName" OR h."Amount" <> o."Amount" OR h."CloseDate" <> o."CloseDate"
              OR h."Probability" <> o."Probability" OR h."ForecastCategory" <> o."ForecastCategory"
              OR h."CreatedDate" > o."SystemModstamp" """
    )
    assert wrong == 0
    assert (
        made.one('SELECT count(DISTINCT "OpportunityId") FROM "OpportunityHistory"') == made.truth.rows["Opportunity"]
    )


def test_an_opportunity_has_at_most_one_primary_contact(made: Made) -> None:
    counts = made.ids('SELECT count(*) FROM "OpportunityContactRole" WHERE "IsPrimary" GROUP BY "OpportunityId"')
    assert counts == {1}
    share = made.one('SELECT count(*) FROM "OpportunityContactRole" WHERE "IsPrimary"') / made.truth.rows["Opportunity"]
    assert 0.6 < share < 0.8
    mirrored = """SELECT count(*) FROM "Opportunity" o LEFT JOIN "OpportunityContactRole" r
        ON r."OpportunityId" = o."Id" AND r."IsPrimary" WHERE o."ContactId" IS DISTINCT FROM r."ContactId" """
    assert made.one(mirrored) == 0


def test_account_hierarchies_have_no_loop(made: Made) -> None:
    depth = made.one(
        """WITH RECURSIVE up AS (
             SELECT "Id" AS id, "ParentId" AS parent, 1 AS depth FROM "Account" WHERE "ParentId" IS NOT NULL
             UNION ALL SELECT up.id, a."ParentId", depth + 1 FROM up JOIN "Account" a ON a."Id" = up.parent
             WHERE a."ParentId" IS NOT NULL AND depth < 30)
           SELECT max(depth) FROM up"""
    )
    assert 2 <= depth < 20


def test_lead_history_ends_in_the_status_of_the_lead(made: Made) -> None:
    wrong = made.one(
        """SELECT count(*) FROM "Lead" l JOIN (
             SELECT "LeadId", arg_max("NewValue", "Id") AS status, min("CreatedDate") AS first FROM "LeadHistory"
             WHERE "Field" = 'Status' GROUP BY 1) h ON h."LeadId" = l."Id"
           WHERE h.status <> l."Status" OR h.first < l."CreatedDate" """
    )
    assert wrong == 0


def test_queues_and_inactive_users_own_leads(made: Made) -> None:
    assert made.one('SELECT count(*) FROM "Lead" WHERE starts_with("OwnerId", \'00G\')') > 50
    assert made.one('SELECT count(*) FROM "Lead" JOIN "User" u ON u."Id" = "OwnerId" WHERE NOT "IsActive"') > 50


def test_tasks_are_open_closed_and_overdue(made: Made) -> None:
    closed = made.ids('SELECT "ApiName" FROM "TaskStatus" WHERE "IsClosed"')
    assert (
        made.one(
            'SELECT count(*) FROM "Task" WHERE "IsClosed" <> ("Status" IN (SELECT unnest(?)))'.replace(
                "?", repr(sorted(closed))
            )
        )
        == 0
    )
    overdue = 'SELECT count(*) FROM "Task" WHERE NOT "IsClosed" AND "ActivityDate" < DATE \'2026-03-10\''
    assert min(made.one(overdue), made.one(overdue.replace("<", ">="))) > 50
    on_converted = 'SELECT count(*) FROM "Task" JOIN "Lead" l ON l."Id" = "WhoId" WHERE l."IsConverted"'
    assert made.one(on_converted) == 0


def test_phone_numbers_are_valid_in_their_country(made: Made) -> None:
    code_of = {name: c.code for c in COUNTRIES for name in c.names}
    rows = made.all('SELECT "Phone", "MobilePhone", "MailingCountry" FROM "Contact" ORDER BY "Id" LIMIT 400')
    for *numbers, country in rows:
        for number in filter(None, numbers):
            assert phonenumbers.is_valid_number(phonenumbers.parse(number, code_of[country])), (number, country)


def test_all_languages_are_there(made: Made) -> None:
    countries = {row[0] for row in made.all('SELECT DISTINCT "MailingCountry" FROM "Contact"')}
    assert all(countries & set(c.names) for c in COUNTRIES)


def test_hostile_text_is_kept_to_descriptions_and_labelled(made: Made) -> None:
    for note, marker in {
        "emoji": "👍",
        "lone carriage return": "before\rafter",
        "line separator": "\u2028",
        "null": "null",
        "script": "<script>",
        "leading zeros": "0012300",
    }.items():
        rows = made.all(
            """SELECT "Description" FROM "Lead" JOIN practice_truth t ON t.id = "Lead"."Id" WHERE kind = 'hostile'
                AND note = $1""",
            note,
        )
        assert rows
        assert all(marker in text for (text,) in rows)
    assert made.one('SELECT max(length("Description")) FROM "Lead"') == 30_000
    assert made.one('SELECT count(*) FROM "Account" WHERE "AnnualRevenue" = 9007199254740993') >= 2


# -- duplicates and those who only look so ----------------------------------------------------------------------

GROUPS = """
SELECT t.group_id, l.* FROM practice_truth t JOIN "{}" l ON l."Id" = t.id WHERE t.kind = $1 AND t.code = $2"""
NORMAL_EMAIL = 'lower(trim("Email"))'


def groups(code: str) -> str:
    """SQL: the records of a code's groups. Codes of contacts and accounts begin with their name."""
    return GROUPS.format({"contact": "Contact", "account": "Account"}.get(code.partition("_")[0], "Lead"))


def pairs(made: Made, kind: str, code: str, condition: str) -> tuple[int, int]:
    """How many pairs of one group there are, and in how many the condition holds for a and b."""
    rows = made.all(
        f"""WITH g AS ({groups(code)}) SELECT count(*), count(*) FILTER ({condition})
            FROM g a JOIN g b ON a.group_id = b.group_id AND a."Id" < b."Id" """,
        kind,
        code,
    )
    return int(rows[0][0]), int(rows[0][1])


SAME_EMAIL = 'lower(trim(a."Email")) = lower(trim(b."Email"))'
DIGITS = "right(regexp_replace({}.\"{}\", '[^0-9]', '', 'g'), 7)"
SAME_PHONE = f"{DIGITS.format('a', 'Phone')} = {DIGITS.format('b', 'Phone')}"
SAME_MOBILE = f"{DIGITS.format('a', 'MobilePhone')} = {DIGITS.format('b', 'MobilePhone')}"
ONE_LETTER = 'damerau_levenshtein(strip_accents(a."LastName"), strip_accents(b."LastName")) = 1'
SAME_NAME = 'lower(a."Name") = lower(b."Name")'
ALIKE = {
    ("duplicate", "exact_email"): SAME_EMAIL,
    ("duplicate", "name_company_phone"): f'{SAME_NAME} AND {SAME_PHONE} AND a."Email" IS NULL AND b."Email" IS NULL',
    ("duplicate", "nickname"): f'a."LastName" = b."LastName" AND a."FirstName" <> b."FirstName" AND {SAME_PHONE}',
    ("duplicate", "typo"): f"{ONE_LETTER} AND (coalesce({SAME_EMAIL}, false) OR {SAME_PHONE})",
    ("duplicate", "swapped"): f'a."FirstName" = b."LastName" AND a."LastName" = b."FirstName" AND {SAME_PHONE}',
    ("duplicate", "moved"): f'{SAME_NAME} AND {SAME_MOBILE} AND a."Company" <> b."Company"',
    ("near_miss", "father_son"): 'a."FirstName" = b."FirstName" AND left(a."LastName", -4) = left(b."LastName", -4) '
    'AND a."LastName" <> b."LastName" AND a."Email" <> b."Email"',
    ("near_miss", "switchboard"): f'{SAME_PHONE} AND a."LastName" <> b."LastName" AND a."Email" <> b."Email"',
    (
        "near_miss",
        "shared_mailbox",
    ): f'{SAME_EMAIL} AND a."LastName" <> b."LastName" AND starts_with(a."Email", \'info@\')',
    ("near_miss", "same_name_elsewhere"): f'{SAME_NAME} AND a."Company" <> b."Company" AND NOT {SAME_EMAIL} '
    f"AND NOT coalesce({SAME_MOBILE}, false)",
    (
        "near_miss",
        "family",
    ): 'a."LastName" = b."LastName" AND a."FirstName" <> b."FirstName" AND a."Email" <> b."Email"',
}
SAME_ACCOUNT = 'a."AccountId" = b."AccountId"'
OF_CONTACTS = ("exact_email", "nickname", "typo", "swapped", "father_son", "switchboard", "shared_mailbox", "family")
ALIKE |= {
    (kind, f"contact_{code}"): f"{condition} AND {SAME_ACCOUNT}"
    for (kind, code), condition in ALIKE.items()
    if code in OF_CONTACTS
}
SAME_SITE = " = ".join(f"""regexp_replace({x}."Website", '^(https?://)?(www\\.)?|/$', '', 'g')""" for x in "ab")
SAME_PLACE = 'a."BillingStreet" = b."BillingStreet" AND a."BillingCity" = b."BillingCity"'
OTHER_PLACE = f'a."BillingCity" <> b."BillingCity" AND NOT {SAME_PHONE}'
LETTERS = "regexp_replace(lower({}.\"Name\"), '[^\\w]', '', 'g')"
ALIKE |= {
    ("duplicate", "contact_name_phone"): f'a."LastName" = b."LastName" AND {SAME_PHONE} AND {SAME_ACCOUNT}'
    ' AND a."Email" IS NULL AND b."Email" IS NULL',
    ("duplicate", "contact_moved"): f'{SAME_NAME} AND {SAME_MOBILE} AND a."AccountId" <> b."AccountId"',
    ("near_miss", "contact_same_name_elsewhere"): f'{SAME_NAME} AND a."AccountId" <> b."AccountId"'
    f" AND NOT {SAME_EMAIL} AND NOT coalesce({SAME_MOBILE}, false)",
    ("duplicate", "account_spelling"): f'{SAME_SITE} AND {SAME_PHONE} AND {SAME_PLACE} AND a."Name" <> b."Name"'
    f" AND left({LETTERS.format('a')}, 8) = left({LETTERS.format('b')}, 8)",
    ("duplicate", "account_typo"): 'damerau_levenshtein(strip_accents(a."Name"), strip_accents(b."Name")) = 1'
    f' AND {SAME_PHONE} AND {SAME_PLACE} AND a."Website" IS NULL AND b."Website" IS NULL',
    ("duplicate", "account_brand"): f"{SAME_SITE} AND ("
    """starts_with(a."Name", b."Name" || ' ') OR starts_with(b."Name", a."Name" || ' '))""",
    ("near_miss", "account_branch"): f"{SAME_SITE} AND {OTHER_PLACE}"
    ' AND contains(a."Name", a."BillingCity") AND contains(b."Name", b."BillingCity")',
    ("near_miss", "account_parent"): f"{SAME_SITE} AND {OTHER_PLACE}"
    ' AND coalesce(a."ParentId" = b."Id", b."ParentId" = a."Id")',
    ("near_miss", "account_neighbour"): f'{SAME_PHONE} AND {SAME_PLACE} AND a."Name" <> b."Name"'
    f" AND NOT coalesce({SAME_SITE}, false)",
}


@pytest.mark.parametrize(("kind", "code"), sorted(ALIKE))
def test_planted_groups_are_alike_as_their_code_says(made: Made, kind: str, code: str) -> None:
    every, holding = pairs(made, kind, code, ALIKE[kind, code])
    assert every == holding > 0
    reported = made.truth.duplicates if kind == "duplicate" else made.truth.near_misses
    found = made.all(groups(code).replace("t.group_id, l.*", "count(DISTINCT t.group_id)"), kind, code)[0][0]
    assert found == reported[code]


def test_every_planted_kind_is_checked_here(made: Made) -> None:
    assert set(made.truth.duplicates) == {code for kind, code in ALIKE if kind == "duplicate"}
    assert set(made.truth.near_misses) == {code for kind, code in ALIKE if kind == "near_miss"}


@pytest.mark.parametrize("sobject", ["Lead", "Contact"])
def test_no_two_share_an_address_by_accident(made: Made, sobject: str) -> None:
    sql = f'SELECT {NORMAL_EMAIL} FROM "{sobject}" WHERE "Email" LIKE \'%@%\' GROUP BY 1 HAVING count(*) > 1'
    planted = made.ids(
        f"""SELECT {NORMAL_EMAIL} FROM "{sobject}" JOIN practice_truth t ON t.id = "{sobject}"."Id"
            WHERE kind = 'duplicate' OR code LIKE '%shared_mailbox'"""
    )
    assert made.ids(sql) <= planted


def test_no_colleagues_look_like_one_person_by_accident(made: Made) -> None:
    """Same company, names as alike as 0.92, and one without e-mail: only planted pairs."""
    company = "regexp_replace(lower(\"Company\"), '[^a-zäöüßéèçñóíáåøłśżğşıüÀ-ÿ一-龥ぁ-んァ-ヶ]', '', 'g')"
    found = made.all(
        f"""WITH l AS (SELECT "Id", left({company}, 14) AS company, lower("Name") AS name, "Email" FROM "Lead"
            WHERE NOT "IsConverted")
            SELECT a."Id", b."Id" FROM l a JOIN l b ON a.company = b.company AND a."Id" < b."Id"
            WHERE (a."Email" IS NULL OR b."Email" IS NULL) AND jaro_winkler_similarity(a.name, b.name) >= 0.92"""
    )
    planted = {row[0]: row[1] for row in made.all("SELECT id, group_id FROM practice_truth WHERE kind = 'duplicate'")}
    assert found
    assert all(a in planted and planted.get(a) == planted.get(b) for a, b in found)


def test_no_contacts_of_an_account_look_like_one_person_by_accident(made: Made) -> None:
    """Names as alike as 0.92, and one without e-mail: only planted pairs."""
    found = made.all(
        """SELECT a."Id", b."Id" FROM "Contact" a JOIN "Contact" b ON a."AccountId" = b."AccountId" AND a."Id" < b."Id"
           WHERE (a."Email" IS NULL OR b."Email" IS NULL)
             AND jaro_winkler_similarity(lower(a."Name"), lower(b."Name")) >= 0.92"""
    )
    planted = dict(made.all("SELECT id, group_id FROM practice_truth WHERE kind = 'duplicate'"))
    assert found
    assert all(a in planted and planted.get(a) == planted.get(b) for a, b in found)


def test_account_names_sites_and_numbers_are_unique_but_for_planted_ones(made: Made) -> None:
    planted = dict(made.all("SELECT id, group_id FROM practice_truth WHERE sobject = 'Account' AND group_id <> ''"))
    for same in ('a."Name" = b."Name"', SAME_SITE, SAME_PHONE):
        found = made.all(f'SELECT a."Id", b."Id" FROM "Account" a JOIN "Account" b ON {same} AND a."Id" < b."Id"')
        assert all(a in planted and planted[a] == planted.get(b) for a, b in found), same


def test_an_account_put_beside_another_is_younger_and_has_somebody_of_its_own(made: Made) -> None:
    found = made.all(
        """SELECT t.group_id, list(a."CreatedDate" ORDER BY a."External_Id__c"),
               list((SELECT count(*) FROM "Contact" c WHERE c."AccountId" = a."Id") ORDER BY a."External_Id__c")
           FROM practice_truth t JOIN "Account" a ON a."Id" = t.id WHERE t.group_id <> '' GROUP BY 1"""
    )
    assert len(found) > 20
    for _, (first, second), (_, people) in found:
        assert first <= second
        assert people >= 1
