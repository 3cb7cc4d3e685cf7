"""Random plans."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from sfsync.model import Change, Ref
from sfsync.plan.plan import Plan, ordered
from sfsync.plan.values import Wire, to_wire
from sfsync.salesforce.ids import to18

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**16), max_value=10**16, places=4),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)
names = st.sampled_from(["Email", "Phone", "Amount", "StageName", "Site__c", "ns__Score__c"])
ids = st.integers(1, 10**9).map(lambda n: to18(f"00Q{n:012d}"))
because = st.lists(
    st.one_of(
        st.fixed_dictionaries({"rule": st.sampled_from(["DQ-001", "OPP-002"]), "kind": st.text(max_size=5)}),
        st.fixed_dictionaries({"cluster": ids, "score": st.just(Decimal("0.95"))}),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
decisions = st.sampled_from(["accepted", "refused", None])
confidences = st.sampled_from(["auto", "assisted", "manual"])


def wires(values: dict[str, object]) -> dict[str, Wire]:
    return {name: to_wire(values[name]) for name in sorted(values)}


@st.composite
def changes(draw: st.DrawFn, id: str) -> Change:
    op = draw(st.sampled_from(["update", "merge", "convert", "create", "delete"]))
    after = wires(draw(st.dictionaries(names, values, min_size=1, max_size=4)))
    before = wires({**{n: draw(values) for n in after}, "SystemModstamp": "2026-01-01T00:00:00Z"})
    sobject = draw(st.sampled_from(["Lead", "Account", "Contact", "Opportunity", "Site__c"]))
    losers: tuple[str, ...] = ()
    if op == "convert":
        sobject = "Lead"
        opportunity = {f"opportunity.{n}": v for n, v in after.items()} if draw(st.booleans()) else {}
        account = draw(st.one_of(st.none(), ids))
        after = {"account": account, "contact": None, "status": "Qualified", "owner": None, **opportunity}
    if op == "merge":
        losers = (to18(f"00Q8{id[4:15]}"), to18(f"00Q9{id[4:15]}"))
    if op == "delete":
        after = {}
    if op == "create":
        before = {}
    ref = Ref(sobject, "" if op == "create" else id)
    return Change(op, ref, before, after, draw(because), draw(confidences), losers, draw(decisions))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    chosen = draw(st.lists(ids, max_size=5, unique=True))
    return Plan(
        org_id=to18("00D000000000001"),
        instance_url="https://acme.my.salesforce.com",
        is_sandbox=draw(st.booleans()),
        made_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        changes=ordered(draw(changes(id)) for id in chosen),
    )
