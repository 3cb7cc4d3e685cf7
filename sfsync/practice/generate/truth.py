"""The table `practice_truth`: which records are wrong, doubled, or only look so."""

from __future__ import annotations

from sfsync.practice.generate.catalogue import ACCOUNTS, CONTACTS, CONVERTED, DEALS, LEADS
from sfsync.practice.generate.plants import Plant, notes
from sfsync.practice.generate.workshop import Workshop

_TABLE = "practice_truth"


def store(shop: Workshop) -> None:
    """Write the table: kind, code, sobject, id, group_id (only duplicates and near misses), note; sorted."""
    _words(shop, "lead_note", LEADS)
    _words(shop, "converted_note", CONVERTED)
    _words(shop, "contact_note", CONTACTS)
    _words(shop, "account_note", ACCOUNTS)
    _words(shop, "deal_note", DEALS)
    extra = """SELECT x.p, x.original, l.plant, l.kind, l.plant_code, l.variant, l.turn
        FROM extra x JOIN lead_plant l ON l.p = x.original"""
    group = "CASE WHEN kind IN ('duplicate', 'near_miss') THEN plant_code || '-' || (turn + 1) END"
    lead = f"""
        SELECT kind, plant_code AS code, 'Lead' AS sobject, {shop.id("Lead", "life.number")} AS id, {group}
            AS group_id, note
        FROM ({{}}) w JOIN {{}} USING (plant, variant) JOIN lead_life life USING (p)"""
    originals = "SELECT p, plant, kind, plant_code, variant, turn FROM {}"
    selects = [
        lead.format(originals.format("lead_plant"), "lead_note"),
        lead.format(originals.format("converted_plant"), "converted_note"),
        lead.format(extra, "lead_note"),
        f"SELECT 'defect', also, 'Lead', {shop.id('Lead', 'life.number')}, NULL, 'repairable: ' || note "
        f"FROM ({extra}) w JOIN lead_note USING (plant, variant) JOIN lead_life life USING (p) WHERE also <> ''",
        _plain(shop, "Contact", "contact_plant", "contact_note", "contact_no", "p"),
        _plain(shop, "Account", "account_plant", "account_note", "account_no", "c"),
        _plain(shop, "Opportunity", "deal_plant", "deal_note", "(SELECT o, number FROM deal)", "o"),
    ]
    shop.run(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} "
        "(kind VARCHAR, code VARCHAR, sobject VARCHAR, id VARCHAR, group_id VARCHAR, note VARCHAR)"
    )
    shop.run(f"DELETE FROM {_TABLE}")
    shop.run(
        f"INSERT INTO {_TABLE} SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY kind, code, sobject, group_id, id"
    )


def count(shop: Workshop) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Records per broken rule, groups per way of doubling, groups per kind of look-alike."""
    return (
        _counted(shop, "defect", "id"),
        _counted(shop, "duplicate", "group_id"),
        _counted(shop, "near_miss", "group_id"),
    )


def _counted(shop: Workshop, kind: str, what: str) -> dict[str, int]:
    sql = f"SELECT code, count(DISTINCT {what}) FROM {_TABLE} WHERE kind = ? GROUP BY code ORDER BY code"
    return dict(shop.run(sql, [kind]).fetchall())


def _words(shop: Workshop, name: str, plants: tuple[Plant, ...]) -> None:
    shop.words(name, "plant INT, variant INT, note VARCHAR, also VARCHAR", list(notes(plants)))


def _plain(shop: Workshop, sobject: str, chosen: str, words: str, numbers: str, key: str) -> str:
    return (
        f"SELECT kind, plant_code, '{sobject}', {shop.id(sobject, 'k.number')}, NULL, note "
        f"FROM {chosen} w JOIN {words} USING (plant, variant) JOIN {numbers} k USING ({key})"
    )
