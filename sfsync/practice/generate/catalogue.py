"""What is planted among the clean rows: defects, text that is odd but legal, and what `doubles.py` adds.

The SQL of a change may use the columns of `person` and `company`; see `people.py` and `companies.py`.
"""

from __future__ import annotations

from sfsync.practice.generate.doubles import ACCOUNT_DOUBLES, CONTACT_DOUBLES, LEAD_DOUBLES
from sfsync.practice.generate.hostile import TEXTS
from sfsync.practice.generate.people import MAIL
from sfsync.practice.generate.plants import Plant, Variant
from sfsync.practice.generate.workshop import quote


def _defect(code: str, per_mille: float, *variants: Variant, **kw: str) -> Plant:
    return Plant("defect", code, per_mille, variants, kw.get("eligible", "true"), at_least=max(3, len(variants)))


def _status(text: str) -> Variant:
    return Variant(text, {"Status": quote(text)})


_BROKEN_MAIL = (
    Variant("repairable: capitals and a space behind", {"Email": f"upper({MAIL}) || ' '"}),
    Variant("repairable: space in front", {"Email": f"' ' || {MAIL}"}),
    Variant("repairable: mailto:", {"Email": f"'mailto:' || {MAIL}"}),
    Variant("repairable: semicolon behind", {"Email": f"{MAIL} || ';'"}),
    Variant("repairable: comma for dot", {"Email": f"replace({MAIL}, '.example', ',example')"}),
    Variant("hopeless: not an address", {"Email": "'n/a'"}),
    Variant("repairable: full stop behind", {"Email": f"{MAIL} || '.'"}),
    Variant("repairable: full-width @", {"Email": f"replace({MAIL}, '@', '＠')"}),
    Variant("hopeless: no domain", {"Email": "local"}),
    Variant("hopeless: two @", {"Email": "local || '@@' || domain"}),
    Variant("hopeless: no top-level domain", {"Email": "local || '@' || replace(domain, '.example', '')"}),
    Variant("hopeless: space inside", {"Email": "given_ascii || ' ' || surname_ascii || '@' || domain"}),
    Variant("hopeless: two dots", {"Email": "given_ascii || '..' || surname_ascii || '@' || domain"}),
)
_LOUD = "code IN ('US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'SE') AND length(surname) >= 5 AND strpos(surname, ' ') = 0"


def _untidy(company: str) -> tuple[Variant, ...]:
    """Text hygiene on a person; `company` is the third text column that the rule reads (Company or Title)."""
    text = {"Company": "name", "Title": "title"}[company]
    return (
        Variant("edge_space: behind", {"LastName": "surname || ' '"}),
        Variant("edge_space: double", {company: f"{text} || '  Europe'"}),
        Variant("shouting", {"LastName": "upper(surname)"}),
        Variant("mojibake: JosÃ©", {"FirstName": "'JosÃ©'"}),
        Variant("html: &amp;", {company: f"{text} || ' &amp; Co'"}),
        Variant("formula", {company: f"'=' || {text}"}),
        Variant("whole_name_in_last: comma", {"FirstName": "NULL", "LastName": "surname || ', ' || given"}),
        Variant("edge_space: in front", {"FirstName": "' ' || given"}),
        Variant("control: U+FFFD", {company: f"{text} || ' ' || chr(65533)"}),
        Variant("edge_space: zero width", {"LastName": "surname || chr(8203)"}),
        Variant("mojibake: â€™", {company: f"{text} || ' Oâ€™Hara'"}),
        Variant("html: tag", {company: f"'<b>' || {text} || '</b>'"}),
        Variant("whole_name_in_last: two words", {"FirstName": "NULL", "LastName": "given || ' ' || surname"}),
        Variant("control: U+0092", {"LastName": "surname || chr(146) || 's'"}),
    )


def _hostile(column: str) -> Plant:
    variants = tuple(Variant(name, {column: sql}) for name, sql in TEXTS.items())
    return Plant("hostile", "text", 0.2, variants, at_least=len(variants))


LEADS: tuple[Plant, ...] = (
    *LEAD_DOUBLES,
    _defect("LEAD-STAT-001", 2, *map(_status, ("Nurturing", "Offen", "Recycled", "Neu (Messe)", "in progress "))),
    _defect("LEAD-STAT-002", 3, Variant("never converted", {"Status": "'{converted_status}'"})),
    _defect(
        "LEAD-CONV-003",
        2,
        Variant("account only", {"ConvertedAccountId": "{account_id}"}),
        Variant("date only", {"ConvertedDate": "{created_day}"}),
        Variant("account and date", {"ConvertedAccountId": "{account_id}", "ConvertedDate": "{created_day}"}),
    ),
    _defect("DQ-001", 8, *_BROKEN_MAIL),
    _defect("DQ-006", 6, *_untidy("Company"), eligible=_LOUD),
    _hostile("Description"),
)
CONVERTED: tuple[Plant, ...] = (
    _defect("LEAD-CONV-001", 2, Variant("account missing", {"ConvertedAccountId": "NULL"})),
)
CONTACTS: tuple[Plant, ...] = (
    _defect("CONT-001", 3, Variant("private contact", {"AccountId": "NULL"})),
    _defect("DQ-001", 4, *_BROKEN_MAIL),
    _defect("DQ-006", 3, *_untidy("Title"), eligible=_LOUD),
    _hostile("Description"),
    *CONTACT_DOUBLES,
)
ACCOUNTS: tuple[Plant, ...] = (
    _defect(
        "DQ-006",
        1,
        Variant("edge_space: behind", {"Name": "name || ' '"}),
        Variant("edge_space: double", {"Name": "core || ' ' || form"}),
        Variant("shouting", {"Name": "upper(name)"}),
        Variant("html: &amp;", {"Name": "name || ' &amp; Co'"}),
        Variant("mojibake: MÃ¼nchen", {"BillingCity": "'MÃ¼nchen'"}),
        Variant("shouting: city", {"BillingCity": "upper(city)"}),
        eligible="code IN ('US', 'GB', 'FR', 'NL') AND left(form, 1) = ' ' AND length(city) >= 5",
    ),
    _hostile("Description"),
    Plant(
        *("hostile", "money", 0.05),
        (Variant("16 digits", {"AnnualRevenue": "CAST(9007199254740993 AS DECIMAL(18,0))"}),),
        at_least=2,
    ),
    *ACCOUNT_DOUBLES,
)
DEALS: tuple[Plant, ...] = (
    _defect("OPP-001", 2, Variant("account missing", {"AccountId": "NULL"}), eligible="lead IS NULL"),
    _defect(
        "OPP-002",
        2,
        *(Variant(s, {"StageName": quote(s)}) for s in ("Demo scheduled", "Verhandlung", "closed won ", "Stage 4")),
        eligible="lead IS NULL AND NOT closed",
    ),
    _defect(
        "FCST-002",
        1,
        Variant("open_in_closed", {"ForecastCategory": "'Closed'", "ForecastCategoryName": "'Closed'"}),
        eligible="NOT closed",
    ),
    _defect(
        "FCST-002",
        1,
        Variant("won_not_closed", {"ForecastCategory": "'Forecast'", "ForecastCategoryName": "'Commit'"}),
        eligible="won",
    ),
    _defect(
        "FCST-002",
        1,
        Variant("lost_in_forecast", {"ForecastCategory": "'BestCase'", "ForecastCategoryName": "'Best Case'"}),
        eligible="closed AND NOT won",
    ),
    _hostile("Description"),
)


def extra_leads(leads: int) -> int:
    """How many of the leads are copies and look-alikes rather than people of their own."""
    return sum(plant.partners(leads) for plant in LEADS)
