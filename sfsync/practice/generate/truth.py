"""The table `practice_truth`: which records are wrong, doubled, or only look so."""

from __future__ import annotations

from collections.abc import Iterator

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
    selects = [
        *_planted(shop, "Lead", "lead_plant", "lead_note", "lead_life", "p", added="extra"),
        *_planted(shop, "Lead", "converted_plant", "converted_note", "lead_life", "p"),
        *_planted(shop, "Contact", "contact_plant", "contact_note", "contact_no", "p", added="contact_extra"),
        *_planted(shop, "Account", "account_plant", "account_note", "account_no", "c", added="account_extra"),
        *_planted(shop, "Opportunity", "deal_plant", "deal_note", "deal", "o"),
    ]
    shop.run(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} "
        "(kind VARCHAR, code VARCHAR, sobject VARCHAR, id VARCHAR, group_id VARCHAR, note VARCHAR)"
    )
    shop.run(f"DELETE FROM {_TABLE}")
    shop.run(
        f"INSERT INTO {_TABLE} SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY kind, code, sobject, group_id, id"
    )


def _planted(
    shop: Workshop, sobject: str, chosen: str, words: str, numbers: str, key: str, *, added: str = ""
) -> Iterator[str]:
    """SELECTs of the truth's rows: the records chosen, those added beside them, and what the added ones break."""
    row = f"""
        SELECT {{}} AS code, '{sobject}' AS sobject, {shop.id(sobject, "number")} AS id, {{}} AS group_id, {{}} note
        FROM ({{}}) JOIN {words} USING (plant, variant) JOIN (SELECT {key}, number FROM {numbers}) USING ({key})"""
    group = "CASE WHEN kind IN ('duplicate', 'near_miss') THEN plant_code || '-' || (turn + 1) END"
    columns = "plant, kind, plant_code, variant, turn"
    yield row.format("kind, plant_code", group, "", f"SELECT {key}, {columns} FROM {chosen}")
    if added:
        beside = f"""SELECT x.{key}, l.plant, l.kind, l.plant_code, l.variant, l.turn
            FROM {added} x JOIN {chosen} l ON l.{key} = x.original"""
        yield row.format("kind, plant_code", group, "", beside)
        yield row.format("'defect', also", "NULL", "'repairable: ' ||", beside) + " WHERE also <> ''"


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
