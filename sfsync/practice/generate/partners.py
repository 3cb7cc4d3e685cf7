"""The rows that plants put beside others: copies of a record, and records that only look alike."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.practice.generate import people
from sfsync.practice.generate.catalogue import ACCOUNTS, CONTACTS
from sfsync.practice.generate.companies import phone_digits
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.plants import Plant, choose
from sfsync.practice.generate.workshop import Workshop, quote

_ADDRESS = ("city", "state", "postal", "area", "street", "country_name", "landline")
_NAME = ("core", "form", "name", "domain", "industry")
_CHOICE = 8


def add_people(
    shop: Workshop, name: str, chosen: str, plants: Sequence[Plant], *, first: int, slot: int, companies: str
) -> None:
    """Table `name`: the people put beside those of the table `chosen`, with their original; numbered from `first`.

    slot: from it on places at the original's company are free; a copy's own place only has to exist.
    companies: SQL condition on c; who works elsewhere is at the next of these in the same country.
    """
    shop.temp(
        "neighbour",
        f"""
        SELECT c, coalesce(lead(c) OVER near, lag(c) OVER near, lead(c) OVER (ORDER BY c), c - 1) AS other,
            max(c) OVER () AS last
        FROM company WHERE {companies} WINDOW near AS (PARTITION BY country ORDER BY c)""",
    )
    shop.words(
        "pool_partner",
        "plant INT, variant INT, partners INT, elsewhere BOOLEAN, borrow VARCHAR",
        [
            (n, v, variant.partners, plant.elsewhere, plant.borrow)
            for n, plant in enumerate(plants)
            for v, variant in enumerate(plant.variants)
            if variant.partners
        ],
    )
    shop.temp(
        "seat_extra",
        f"""
        SELECT {first} + row_number() OVER (ORDER BY plant, turn, k) - 1 AS p, p AS original, plant, variant, turn,
            borrow, elsewhere,
            CASE WHEN elsewhere THEN coalesce(other, (SELECT any_value(last) FROM neighbour)) ELSE c END AS c,
            {slot} + k AS slot
        FROM {chosen} JOIN pool_partner USING (plant, variant) JOIN (SELECT p, c FROM person) USING (p)
        LEFT JOIN neighbour USING (c) CROSS JOIN range(2) t(k) WHERE k < partners""",
    )
    made = people.person_select(shop, "seat_extra", "p, original, plant, variant, turn, borrow, elsewhere")
    shop.temp(
        name,
        f"""
        SELECT e.* EXCLUDE (borrow, elsewhere) REPLACE (
            {_borrowed("given", "person", "name")}, {_borrowed("given_ascii", "person", "name")},
            {_borrowed("female", "person", "name")}, {_borrowed("nickname", "person")}, {_borrowed("title", "person")},
            {_borrowed("direct", "person")}, {_borrowed("mobile_digits", "person")},
            {_borrowed("surname", "person", "name", "surname")},
            {_borrowed("surname_ascii", "person", "name", "surname")},
            CASE WHEN elsewhere THEN o.given_ascii || '.q.' || o.surname_ascii WHEN borrow = 'person' THEN o.local
                WHEN borrow = 'name' THEN o.local || '.jr' WHEN borrow = 'surname' THEN e.given_ascii || '.'
                    || o.surname_ascii
                ELSE e.local END AS local, false AS free_mail, false AS no_email)
        FROM ({made}) e JOIN person o ON o.p = e.original""",
    )
    shop.drop("seat_extra", "neighbour", "pool_partner")


def _borrowed(column: str, *how: str) -> str:
    return f"CASE WHEN borrow IN ({', '.join(map(quote, how))}) THEN o.{column} ELSE e.{column} END AS {column}"


def plant_accounts(shop: Workshop, layout: Layout) -> None:
    """Table `account_plant` (which company gets what) and `account_extra` (c, original, plant, variant, turn).

    The companies put beside others are added to `company`, numbered after all the others.
    """
    shop.temp(
        "site",
        f"""
        SELECT c, country, city, row_number() OVER (PARTITION BY country ORDER BY c) - 1 AS place,
            count(*) OVER (PARTITION BY country) AS places FROM company WHERE c >= {layout.accounts}""",
    )
    source = f"""
        SELECT c, code, core, form, city,
            EXISTS (FROM site s WHERE s.country = o.country AND s.city <> o.city) AS has_site
        FROM company o WHERE c < {layout.accounts}"""
    choose(shop, "account_plant", "c", source, ACCOUNTS, layout.leads)
    shop.words(
        "pool_partner",
        "plant INT, variant INT, borrow VARCHAR",
        [(n, v, p.borrow) for n, p in enumerate(ACCOUNTS) for v, variant in enumerate(p.variants) if variant.partners],
    )
    shop.temp(
        "account_extra",
        f"""
        SELECT {layout.companies} + row_number() OVER (ORDER BY plant, turn) - 1 AS c, c AS original, plant, variant,
            turn, borrow
        FROM account_plant JOIN pool_partner USING (plant, variant)""",
    )
    # Where a firm's other site is, or who else is in its building: one of some companies of the country that are no
    # account, in another city; each firm has some of its own to choose from.
    shop.temp(
        "chosen_site",
        f"""
        SELECT x.c, coalesce(min(s.c) FILTER (s.city <> x.city), min(s.c)) AS site
        FROM (SELECT e.c, country, city, row_number() OVER (PARTITION BY country ORDER BY e.c) - 1 AS turn
              FROM account_extra e JOIN company o ON o.c = e.original WHERE borrow IN ('name', 'address')) x
        JOIN site s ON s.country = x.country AND (s.place + s.places - ({_CHOICE} * turn) % s.places) % s.places
            < {_CHOICE}
        GROUP BY x.c""",
    )
    elsewhere = ", ".join(f"CASE WHEN borrow = 'name' THEN s.{n} ELSE o.{n} END AS {n}" for n in _ADDRESS)
    renamed = ", ".join(f"CASE WHEN borrow = 'address' THEN s.{n} ELSE o.{n} END AS {n}" for n in _NAME)
    digits = f"CASE WHEN borrow = 'name' THEN {phone_digits(shop, 'x.c', 0)} ELSE o.digits END AS digits"
    shop.run(f"""
        INSERT INTO company SELECT o.* REPLACE (x.c AS c, {elsewhere}, {renamed}, {digits})
        FROM account_extra x JOIN company o ON o.c = x.original
        LEFT JOIN (SELECT d.c, k.* EXCLUDE (c) FROM chosen_site d JOIN company k ON k.c = d.site) s ON s.c = x.c
        ORDER BY x.c""")
    shop.drop("pool_partner", "site", "chosen_site")


def plant_contacts(shop: Workshop, layout: Layout) -> None:
    """Table `contact_plant` and `contact_extra`: the people put beside others, and one at each account put there."""
    source = """
        SELECT p, code, surname, given, nickname, row_number() OVER (PARTITION BY c ORDER BY p) = 1 AS first_here
        FROM person WHERE g = 3"""
    choose(shop, "contact_plant", "p", source, CONTACTS, layout.leads)
    first, slot = layout.people + layout.leads - layout.base, layout.known.slot + layout.known.slots
    add_people(
        *(shop, "contact_double", "contact_plant", CONTACTS),
        first=first,
        slot=slot,
        companies=f"c < {layout.accounts}",
    )
    first += shop.number("SELECT count(*) FROM contact_double")
    shop.temp(
        "seat_extra",
        f"SELECT {first} + row_number() OVER (ORDER BY c) - 1 AS p, c, {slot + 2} AS slot FROM account_extra",
    )
    shop.temp(
        "contact_extra",
        f"SELECT * FROM contact_double UNION ALL BY NAME {people.person_select(shop, 'seat_extra', 'p')}",
    )
    shop.drop("seat_extra", "contact_double")
