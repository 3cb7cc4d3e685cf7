"""The companies of the org: those that are accounts come first, the others are only named on leads."""

from __future__ import annotations

from sfsync.practice.generate import firms
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.places import COUNTRIES
from sfsync.practice.generate.workshop import Workshop

_TRADES = 20


def make_pools(shop: Workshop) -> None:
    """Temporary tables of words: pool_country, pool_share, pool_town, pool_trade, pool_form, pool_brand."""
    shop.words(
        "pool_country",
        "country INT, code VARCHAR, names VARCHAR[], landline VARCHAR[], mobile VARCHAR[], street VARCHAR, "
        "streets VARCHAR[], brands VARCHAR",
        [
            (
                *(i, c.code, list(c.names), list(c.landline), list(c.mobile), c.street, list(c.streets)),
                firms.SCRIPTS.get(c.code, "Latin"),
            )
            for i, c in enumerate(COUNTRIES)
        ],
    )
    shares = [i for i, c in enumerate(COUNTRIES) for _ in range(c.share)]
    shop.words("pool_share", "hundredth INT, country INT", list(enumerate(shares)))
    shop.words(
        "pool_town",
        "country INT, town INT, towns INT, city VARCHAR, state VARCHAR, postal VARCHAR, area VARCHAR",
        [(i, t, len(c.towns), *town) for i, c in enumerate(COUNTRIES) for t, town in enumerate(c.towns)],
    )
    shop.words(
        "pool_trade",
        "country INT, trade INT, word VARCHAR, ascii VARCHAR",
        [(i, t, w.text, w.ascii) for i, c in enumerate(COUNTRIES) for t, w in enumerate(firms.trades(c.code))],
    )
    forms = [(i, firms.legal_forms(c.code)) for i, c in enumerate(COUNTRIES)]
    shop.words("pool_form", "country INT, forms VARCHAR[]", forms)
    parts = firms.brand_parts()
    shop.words(
        "pool_brand",
        "brands VARCHAR, part INT, n INT, word VARCHAR, ascii VARCHAR",
        [
            (b, p, n, w.text, w.ascii)
            for b, lists in parts.items()
            for p, ws in enumerate(lists)
            for n, w in enumerate(ws)
        ],
    )


def make_companies(shop: Workshop, layout: Layout) -> None:
    """Table `company`: name, domain, town, street, telephone and size of each; those with c < accounts have one."""
    shop.temp(
        "company_country",
        f"""
        SELECT c, country, brands, row_number() OVER (PARTITION BY brands ORDER BY c) - 1 AS rank
        FROM (SELECT range AS c, {shop.roll("country", "range", 100)} AS hundredth FROM range({layout.companies}))
        JOIN pool_share USING (hundredth) JOIN pool_country USING (country)""",
    )
    shop.temp("company_brand", " UNION ALL ".join(_brands(shop, name) for name in ("Latin", "JP", "CN")))
    draw = {
        "town_roll": shop.roll("town", "c", 1_000_003),
        "number": f"CAST(1 + {shop.roll('house', 'c', 180)} AS VARCHAR)",
        "floor": f"CASE WHEN {shop.chance('floor', 'c', 4)} THEN chr(13) || chr(10) || '4. OG' ELSE '' END",
        "street_roll": shop.roll("street", "c", 1_000_003),
        "postal_roll": shop.roll("postal", "c", 900),
        "form_roll": shop.roll("form", "c", 1_000_003),
        "spelling": shop.roll("country name", "c", 100),
        "size": shop.share("size", "c"),
        "common": shop.chance("common names", "c", 30),
        "pattern": shop.roll("e-mail pattern", "c", 100),
        "given_base": shop.roll("given base", "c", 1_000_003),
        "surname_base": shop.roll("surname base", "c", 1_000_003),
        "hyphen": shop.chance("hyphen", "c", 40),
    }
    shop.temp(
        "company_draw",
        f"""
        SELECT c, {", ".join(f"{sql} AS {name}" for name, sql in draw.items())} FROM range({layout.companies}) t(c)""",
    )
    industries = [v.value for v in shop.org.schema.full("Account").fields["Industry"].values]
    shop.temp(
        "company",
        f"""
        SELECT c, b.country, code, b.brand || {_gap("brands")} || t.word AS core,
            forms[1 + form_roll % len(forms)] AS form, core || form AS name,
            b.ascii || CASE WHEN hyphen THEN '-' ELSE '' END || t.ascii || '.example' AS domain,
            city, state,
            {_postal("postal", "postal_roll")} AS postal, area,
            replace(replace(street, '{{s}}', streets[1 + street_roll % len(streets)]), '{{n}}', number) || floor
                AS street,
            names[CASE WHEN spelling < 94 OR len(names) = 1 THEN 1 ELSE 2 + spelling % (len(names) - 1) END]
                AS country_name,
            landline, mobile, {phone_digits(shop, "c", 0)} AS digits,
            CAST(4 + pow(10, 0.6 + 3.7 * size * size) AS BIGINT) AS employees,
            {shop.pick("industry", "c", industries)} AS industry,
            common, pattern, given_base, surname_base
        FROM company_brand b JOIN company_draw USING (c) JOIN pool_country USING (country)
        JOIN pool_trade t ON t.country = b.country AND t.trade = b.trade
        JOIN pool_form f ON f.country = b.country
        JOIN pool_town w ON w.country = b.country AND w.town = town_roll % w.towns
        ORDER BY c""",
    )
    shop.drop("company_country", "company_brand", "company_draw")


def phone_digits(shop: Workshop, key: str, kind: int) -> str:
    """SQL: seven digits that nobody else has. kind: 0 a company's line, 1 a person's, 2 a mobile."""
    return f"(2000000 + {shop.shuffle('phone', f'3 * ({key}) + {kind}', 8_000_000)})"


def _brands(shop: Workshop, pool: str) -> str:
    sizes = [len(words) for words in firms.brand_parts()[pool]]
    size = sizes[0] * sizes[1] * sizes[2]
    m = "m // 20"
    return f"""
        SELECT c, country, m % {_TRADES} AS trade, h.word || i.word || j.word AS brand, h.ascii || i.ascii || j.ascii
            AS ascii
        FROM (SELECT c, country, {shop.shuffle(f"brand {pool}", "rank", size * _TRADES)} AS m
              FROM company_country WHERE brands = '{pool}')
        JOIN pool_brand h ON h.brands = '{pool}' AND h.part = 0 AND h.n = {m} % {sizes[0]}
        JOIN pool_brand i ON i.brands = '{pool}' AND i.part = 1 AND i.n = {m} // {sizes[0]} % {sizes[1]}
        JOIN pool_brand j ON j.brands = '{pool}' AND j.part = 2 AND j.n = {m} // {sizes[0] * sizes[1]}"""


def _gap(pool: str) -> str:
    return f"CASE WHEN {pool} = 'Latin' THEN ' ' ELSE '' END"


def _postal(pattern: str, roll: str) -> str:
    """SQL: the pattern with its first two # replaced by digits of the roll, further ones by 1."""
    digits = f"lpad(CAST({roll} AS VARCHAR), 3, '0')"
    filled = pattern
    for place in (1, 2, 3):
        filled = f"regexp_replace({filled}, '#', substr({digits}, {place}, 1))"
    return f"replace({filled}, '#', '0')"
