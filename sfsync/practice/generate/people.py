"""Everybody the org knows: names, addresses, telephones. One row each in the temporary table `person`."""

from __future__ import annotations

from sfsync.practice.generate import names
from sfsync.practice.generate.companies import phone_digits
from sfsync.practice.generate.layout import Group, Layout
from sfsync.practice.generate.places import COUNTRIES
from sfsync.practice.generate.workshop import Workshop, text_list

_TITLES = {
    "US": "CEO|VP Sales|Director of Operations|IT Manager|Head of Procurement|CFO|Marketing Manager|Plant Manager",
    "GB": "Managing Director|Head of IT|Purchasing Manager|Finance Director|Office Manager|COO|Sales Manager|Engineer",
    "DE": "Geschäftsführer|Leiter Einkauf|Vertriebsleiterin|IT-Leiter|Prokurist|Werksleiter|Assistenz|Projektleiterin",
    "FR": "Directeur général|Responsable achats|Chef de projet|DSI|Directrice commerciale|Comptable|Ingénieur|Gérante",
    "ES": "Director General|Jefa de Compras|Responsable de TI|Gerente|Jefe de Ventas|Ingeniera|Administración|Socio",
    "IT": "Amministratore delegato|Responsabile acquisti|Direttore vendite|Ingegnere|Titolare|Responsabile IT",
    "NL": "Algemeen directeur|Inkoper|Hoofd ICT|Verkoopleider|Financieel directeur|Projectleider|Bedrijfsleider",
    "PL": "Prezes|Kierownik zakupów|Dyrektor handlowy|Główna księgowa|Specjalista IT|Inżynier|Właściciel",
    "SE": "VD|Inköpschef|Försäljningschef|IT-chef|Ekonomichef|Projektledare|Ägare",
    "JP": "代表取締役|部長|課長|購買担当|営業部長|情報システム部",
    "CN": "总经理|采购经理|销售总监|技术总监|财务经理|工程师",
    "TR": "Genel Müdür|Satın Alma Müdürü|Satış Müdürü|Bilgi İşlem Müdürü|Mühendis|Ortak",
}
_FREE = ("gmail.com", "outlook.com", "gmx.net", "yahoo.com", "hotmail.com")


def make_pools(shop: Workshop) -> None:
    """Temporary tables pool_given, pool_surname, pool_ring (their sizes) and pool_title."""
    given = [(i, names.given_names(c.code)) for i, c in enumerate(COUNTRIES)]
    last = [(i, names.surnames(c.code)) for i, c in enumerate(COUNTRIES)]
    shop.words(
        "pool_given",
        "country INT, n INT, word VARCHAR, ascii VARCHAR, female BOOLEAN, nickname VARCHAR",
        [(i, n, w.text, w.ascii, w.female, names.NICKNAMES.get(w.text)) for i, ws in given for n, w in enumerate(ws)],
    )
    shop.words(
        "pool_surname",
        "country INT, n INT, word VARCHAR, ascii VARCHAR",
        [(i, n, w.text, w.ascii) for i, ws in last for n, w in enumerate(ws)],
    )
    shop.words(
        "pool_ring",
        "country INT, given_count INT, surname_count INT, titles VARCHAR[]",
        [
            (i, len(g), len(s), _TITLES[COUNTRIES[i].code].split("|"))
            for (i, g), (_, s) in zip(given, last, strict=True)
        ],
    )


def make_people(shop: Workshop, layout: Layout) -> None:
    """Table `person`: p, c, group number g and index i in it, slot, and what belongs to the person alone.

    p counts leads from 0 in the order they came in, then contacts who never were leads.
    """
    recent = max(layout.base * 95 // 100, layout.converted.count + 1)
    old = min(recent, layout.base)
    shop.temp(
        "role",
        f"""
        SELECT p, CASE WHEN p < {old} THEN {shop.shuffle("role", "p", max(old, 1))} ELSE p END AS r
        FROM range({layout.people}) t(p)""",
    )
    groups = [layout.converted, layout.known, layout.prospects, layout.contacts]
    shop.temp("seat", " UNION ALL ".join(_seats(number, group) for number, group in enumerate(groups)))
    shop.temp("person", person_select(shop, "seat", "p, g, i"))
    shop.drop("role", "seat")


def person_select(shop: Workshop, seats: str, keep: str) -> str:
    """SELECT of people who sit at (c, slot) of the table `seats`, which has their number p and the columns `keep`."""
    common = names.COMMON
    ring = f"CASE WHEN common THEN {common} ELSE {{}} END"
    return f"""
        SELECT {keep}, c, slot, code,
            g.word AS given, g.ascii AS given_ascii, g.female, g.nickname, s.word AS surname, s.ascii AS surname_ascii,
            {email_local("g.ascii", "s.ascii", "pattern")} AS local,
            {shop.chance("free mail", "p", 4)} AS free_mail, {shop.chance("no e-mail", "p", 6)} AS no_email,
            {shop.chance("no phone", "p", 20)} AS no_phone, {shop.chance("switchboard", "p", 15)} AS at_switchboard,
            {shop.chance("mobile", "p", 45)} AS has_mobile, {shop.roll("phone format", "p", 60)} AS format_roll,
            {phone_digits(shop, "p", 1)} AS direct, {phone_digits(shop, "p", 2)} AS mobile_digits,
            titles[1 + {shop.roll("title", "p", "len(titles)")}] AS title
        FROM (SELECT {keep}, c, slot, country, code, pattern, titles,
                (given_base + slot) % {ring.format("given_count")} AS given_n,
                (surname_base + slot) % {ring.format("surname_count")} AS surname_n
            FROM {seats} JOIN company USING (c) JOIN pool_ring USING (country)) seated
        JOIN pool_given g ON {_key("g.country", "g.n")} = {_key("seated.country", "given_n")}
        JOIN pool_surname s ON {_key("s.country", "s.n")} = {_key("seated.country", "surname_n")}
        ORDER BY p"""


def _key(country: str, n: str) -> str:
    """SQL: one number for both: joined on the country as well, every given name would first meet every surname."""
    return f"({country} * 1000000 + {n})"


def email_local(given: str, surname: str, pattern: str) -> str:
    """SQL: the part before the @, as the company's pattern has it. Surnames being unique there, so is this."""
    return f"""CASE WHEN {pattern} < 45 THEN {given} || '.' || {surname}
        WHEN {pattern} < 65 THEN left({given}, 1) || {surname} WHEN {pattern} < 75 THEN left({given}, 1) || '.'
            || {surname}
        WHEN {pattern} < 82 THEN {given} || '_' || {surname} WHEN {pattern} < 88 THEN {surname} || '.' || {given}
        WHEN {pattern} < 94 THEN {given} ELSE {surname} || left({given}, 1) END"""


def free_address(shop: Workshop, given: str, surname: str, key: str) -> str:
    """SQL: a private mailbox which nobody else has."""
    return (
        f"({given} || '.' || {surname} || '.' || CAST(100000 + {key} AS VARCHAR) || '@' || "
        f"{text_list(_FREE)}[1 + {shop.roll('free provider', key, len(_FREE))}])"
    )


def phone(pattern: str, variant: str, digits: str) -> str:
    """SQL: a number written in one of its country's ways; `pattern` is the column landline or mobile."""
    return f"dial({pattern}[1 + ({variant}) % len({pattern})], area, {digits})"


MAIL = "local || '@' || domain"
"""SQL: the address at work."""
SWITCHBOARD = phone("landline", "format_roll", "digits")


def _seats(number: int, group: Group) -> str:
    if group.name == "contacts":
        source = f"SELECT p, p - {group.first} AS i FROM role WHERE p >= {group.first}"
    else:
        source = (
            f"SELECT p, r - {group.first} AS i FROM role WHERE r >= {group.first} AND r < {group.first + group.count}"
        )
    return f"SELECT p, {number} AS g, i, {group.company_of('i')} AS c, {group.slot_of('i')} AS slot FROM ({source})"
