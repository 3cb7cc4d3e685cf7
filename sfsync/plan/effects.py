"""What Salesforce sets by itself when a field is written: shown in the plan, never sent."""

from __future__ import annotations

from collections.abc import Mapping

from sfsync.plan.guards import World
from sfsync.plan.values import Wire, same, to_wire


def effects(world: World, after: Mapping[str, Wire]) -> dict[str, Wire]:
    """Field → value that follows from writing `after`, sorted by name; only what differs from the record as it is.

    A stage decides on IsClosed and IsWon, and on probability and forecast category unless they are written along; a
    category's name decides on the category.
    """
    if world.ref.sobject != "Opportunity":
        return {}
    written = {name.casefold() for name in after}
    found = {**_of_stage(world, after), **_of_category(world, after)}
    return {
        name: found[name]
        for name in sorted(found)
        if name.casefold() not in written and _moves(world, name, found[name])
    }


def _of_stage(world: World, after: Mapping[str, Wire]) -> dict[str, Wire]:
    value = next((v for n, v in after.items() if n.casefold() == "stagename"), None)
    stage = (world.facts.stages or {}).get(str(value))
    if stage is None:
        return {}
    found = {
        "IsClosed": stage.closed,
        "IsWon": stage.won,
        "Probability": to_wire(stage.probability),
        "ForecastCategory": stage.category,
        "ForecastCategoryName": stage.category_name,
    }
    return {name: value for name, value in found.items() if value is not None}


def _of_category(world: World, after: Mapping[str, Wire]) -> dict[str, Wire]:
    name = next((v for n, v in after.items() if n.casefold() == "forecastcategoryname"), None)
    categories = (s.category for s in (world.facts.stages or {}).values() if name and s.category_name == name)
    found = next(categories, None)
    return {} if found is None else {"ForecastCategory": found}


def _moves(world: World, name: str, value: Wire) -> bool:
    info = world.info(name)
    if info is None or name not in world.row:
        return False
    return not same(world.row[name], value, info.type, info.scale)
