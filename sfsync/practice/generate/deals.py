"""Opportunities, the path each took through the stages, and who is involved."""

from __future__ import annotations

from sfsync.practice.generate.catalogue import DEALS
from sfsync.practice.generate.layout import Layout
from sfsync.practice.generate.plants import changed, choose
from sfsync.practice.generate.workshop import DAY, Workshop

_MAX_STEPS = 16
"""History rows of one opportunity at most; its Ids are numbered so far apart."""


def make_deals(shop: Workshop, layout: Layout) -> None:
    """Tables `stage`, `deal` (times, amount and fate of each) and `deal_face` (what it says of itself)."""
    open_stages = _read_stages(shop)
    last = open_stages - 1
    per_account = f"""
        SELECT o, c, NULL AS lead, contact, created + CAST(greatest(0,
            {shop.now} - 7200 - created) * {shop.share("deal", "o")} AS BIGINT) AS created,
            owner
        FROM (SELECT o, c, CASE WHEN {shop.chance("role", "o", 62)}
            THEN {shop.roll("deal contact", "o", 1_000_003)} % places END AS place
              FROM (SELECT o, {shop.roll("deal account", "o", layout.accounts)} AS c
                    FROM range({layout.converted_deals}, {layout.deals}) t(o))
              LEFT JOIN (SELECT c, any_value(places) AS places FROM contact_place GROUP BY c) USING (c))
        JOIN account_no USING (c)
        LEFT JOIN (SELECT c, place, p AS contact FROM contact_place) USING (c, place)"""
    from_leads = """
        SELECT i // 5 * 3 + i % 5 AS o, c, p AS lead, p AS contact, ended AS created, owner
        FROM person JOIN lead_life USING (p, g) WHERE g = 0 AND i % 5 < 3"""
    cycle = f"({15 * DAY} + CAST({170 * DAY} * {shop.share('cycle', 'o')} AS BIGINT))"
    lingers = f"({shop.now} - created > {cycle} AND {shop.chance('lingers', 'o', 6)})"
    amount = (
        f"CAST(round(pow(10, 3.3 + 2.4 * {shop.share('amount', 'o')})) + {shop.roll('cents', 'o', 4)} * "
        f"0.25 AS DECIMAL(18,2))"
    )
    reached_open = (
        f"CASE WHEN lingers THEN {open_stages // 2} ELSE least({last}, ({shop.now} - created) * "
        f"{open_stages} // cycle) END"
    )
    reached_won = f"{last} - {shop.roll('short cut', 'o', 2)}"
    reached = (
        f"CASE WHEN won THEN {reached_won} WHEN closed THEN {shop.roll('lost at', 'o', open_stages)} "
        f"ELSE {reached_open} END"
    )
    shop.temp(
        "deal",
        f"""
        SELECT *, CASE WHEN won THEN {open_stages} WHEN closed THEN {open_stages + 1} ELSE reached END AS stage,
            reached + 1 + closed::INT AS steps,
            CASE WHEN closed THEN created + cycle ELSE created + CAST(cycle * (CASE WHEN lingers THEN 1 ELSE 1.3 END)
                AS BIGINT) END AS close,
            CASE WHEN closed THEN cycle // (reached + 1) ELSE cycle // {open_stages} END AS pace,
            reached > 0 AND {shop.chance("pushed", "o", 20)} AS pushed, row_number() OVER (ORDER BY created, o) - 1
                AS number
        FROM (SELECT *, {reached} AS reached FROM (
            SELECT *, closed AND {shop.chance("won", "o", 38)} AS won, {amount} AS amount FROM (
                SELECT *, {cycle} AS cycle, {lingers} AS lingers, {shop.now} - created > {cycle} AND NOT {lingers}
                    AS closed
                FROM ({from_leads} UNION ALL {per_account}))))""",
    )
    choose(shop, "deal_plant", "o", "SELECT o, lead, closed, won FROM deal", DEALS, layout.leads)
    usual = {
        "StageName": "name",
        "AccountId": shop.id("Account", "account_number"),
        "ForecastCategory": "CASE WHEN own_category THEN 'Forecast' ELSE category END",
        "ForecastCategoryName": "CASE WHEN own_category THEN 'Commit' ELSE category_name END",
        "Description": "NULL",
    }
    columns = ", ".join(changed(column, sql, DEALS) for column, sql in usual.items())
    unlisted = (
        f"plant IS NOT NULL AND plant IN ({', '.join(str(n) for n, p in enumerate(DEALS) if p.code == 'OPP-002')})"
    )
    shop.temp(
        "deal_face",
        f"""
        SELECT o, {columns}, CASE WHEN {unlisted} THEN 0 WHEN own_probability THEN least(95, probability + 10)
            ELSE probability END AS Probability
        FROM (SELECT o, stage, c, NOT closed AND {shop.chance("own category", "o", 5)} AS own_category,
                NOT closed AND {shop.chance("own probability", "o", 8)} AS own_probability FROM deal)
        JOIN stage ON stage.n = stage JOIN (SELECT c, number AS account_number FROM account_no) USING (c)
        LEFT JOIN deal_plant USING (o)""",
    )


def _read_stages(shop: Workshop) -> int:
    """Table `stage`: the open ones in order, then won, then lost. Returns how many are open."""
    rows = shop.run("""
        SELECT "ApiName", "IsClosed", "IsWon", CAST("DefaultProbability" AS INT), "ForecastCategory",
            "ForecastCategoryName"
        FROM "OpportunityStage" WHERE "IsActive" ORDER BY "SortOrder", "ApiName" """).fetchall()
    still_open = [row for row in rows if not row[1]][: _MAX_STEPS - 2]
    won = next((row for row in rows if row[2]), None)
    lost = next((row for row in rows if row[1] and not row[2]), None)
    if won is None or lost is None or len(still_open) < 2:
        raise ValueError(
            "the org has no usable sales process: OpportunityStage needs two open stages, a won and a lost one"
        )
    shop.words(
        "stage",
        "n INT, name VARCHAR, closed BOOLEAN, won BOOLEAN, probability INT, category VARCHAR, category_name VARCHAR",
        [(n, *row) for n, row in enumerate([*still_open, won, lost])],
    )
    return len(still_open)


def store_deals(shop: Workshop) -> None:
    """Write Opportunity, OpportunityHistory and OpportunityContactRole. Needs `touch`."""
    _store_opportunities(shop)
    _store_history(shop)
    _store_roles(shop)


def _store_opportunities(shop: Workshop) -> None:
    org = shop.run('SELECT "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName" FROM "Organization"').fetchone()
    start, by_start = (int(org[0] or 1), bool(org[1])) if org else (1, False)
    shifted = f"(close_date - INTERVAL {start - 1} MONTH)"
    year = f"(year({shifted}) + {int(start > 1 and not by_start)})"
    quarter = f"quarter({shifted})"
    kinds = ("Existing Customer - Upgrade", "Existing Customer - Replacement", "New Customer")
    sources = [v.value for v in shop.org.schema.full("Opportunity").fields["LeadSource"].values]
    steps = ("Call back", "Send the quote", "Meet the buyer", "Demo with IT", "Legal review")
    what = ("Renewal", "Expansion", "Pilot", "Licences", "Rollout", "Service Contract")
    shop.store(
        "Opportunity",
        f"""
        SELECT {shop.id("Opportunity", "deal.number")} AS Id, face.* EXCLUDE (o),
            CASE WHEN lead IS NOT NULL THEN left(company.name, 118) || '-' ELSE left(company.core, 90) || ' - '
                || {shop.pick("what", "o", what)} END AS Name,
            deal.amount AS Amount, {_expected("deal.amount", "face.Probability")} AS ExpectedRevenue,
            close_date AS CloseDate, deal.closed AS IsClosed, deal.won AS IsWon,
            CASE WHEN lead IS NOT NULL THEN 'New Customer' ELSE {shop.pick("kind", "o", kinds)} END AS Type,
            CASE WHEN NOT deal.closed THEN {shop.pick("next", "o", steps)} END AS NextStep,
            {shop.pick("lead source", "coalesce(lead, o)", sources)} AS LeadSource,
            rep.id AS OwnerId, {shop.id("Contact", "contact_number")} AS ContactId,
            CASE WHEN steps > 1 THEN {shop.time("changed_at")} END AS LastStageChangeDate,
            pushed::INT AS PushCount, {year} AS FiscalYear, {quarter} AS FiscalQuarter, {year} || ' ' || {quarter}
                AS Fiscal,
            last_closed AS LastActivityDate, coalesce(open_tasks, 0) > 0 AS HasOpenActivity, coalesce(overdue, 0) > 0
                AS HasOverdueTask,
            {shop.audit("deal.created", "changed_at", "rep.id", "rep.id")}
        FROM (SELECT *, {shop.day("close")} AS close_date, created + (steps - 1) * pace AS changed_at FROM deal) deal
        JOIN deal_face face USING (o) JOIN company USING (c) JOIN rep ON rep.n = deal.owner
        LEFT JOIN (SELECT p AS contact, number AS contact_number FROM contact_no) USING (contact)
        LEFT JOIN (SELECT key AS o, * EXCLUDE (key, target) FROM touch WHERE target = 'deal') USING (o)
        ORDER BY deal.number""",
    )


def _store_history(shop: Workshop) -> None:
    """One row when the opportunity was made and one for each step; the last says what the opportunity says."""
    final = "step = steps - 1"
    amount = (
        f"CASE WHEN step = 0 AND NOT {final} AND {shop.chance('first guess', 'o', 30)} THEN CAST(amount * "
        f"0.8 AS DECIMAL(18,2)) ELSE amount END"
    )
    close = f"CAST({shop.time('close')} AS DATE) - CASE WHEN pushed AND NOT {final} THEN 40 ELSE 0 END"
    rows = f"""
        SELECT o, number, step, owner, created + step * pace AS moment, {amount} AS amount, {close} AS close_date,
            CASE WHEN {final} THEN face.StageName ELSE stage.name END AS stage_name,
            CASE WHEN {final} THEN face.Probability ELSE stage.probability END AS probability,
            CASE WHEN {final} THEN face.ForecastCategory ELSE stage.category END AS category
        FROM (SELECT o, number, created, pace, amount, close, pushed, stage, steps, owner, unnest(range(steps))
            AS step FROM deal)
        JOIN deal_face face USING (o) JOIN stage ON stage.n = CASE WHEN {final} THEN stage ELSE step END"""
    shop.store(
        "OpportunityHistory",
        f"""
        SELECT {shop.id("OpportunityHistory", f"number * {_MAX_STEPS} + step")} AS Id,
            {shop.id("Opportunity", "number")} AS OpportunityId,
            stage_name AS StageName, amount AS Amount, {_expected("amount", "probability")} AS ExpectedRevenue,
            close_date AS CloseDate, probability AS Probability, category AS ForecastCategory,
            lag(amount) OVER earlier AS PrevAmount, lag(close_date) OVER earlier AS PrevCloseDate,
            id AS CreatedById, {shop.time("moment")} AS CreatedDate, {shop.time("moment")} AS SystemModstamp
        FROM ({rows}) JOIN rep ON rep.n = owner
        WINDOW earlier AS (PARTITION BY o ORDER BY step) ORDER BY number, step""",
    )


def _store_roles(shop: Workshop) -> None:
    """The primary contact of most opportunities, and on some a second person of the account."""
    roles = [v.value for v in shop.org.schema.full("OpportunityContactRole").fields["Role"].values]
    second = f"""
        SELECT number * 2 + 1, number, s.contact_number, o, lead, owner, greatest(d.created, s.created), false
        FROM (SELECT number, o, lead, owner, created, d.c, (place + 1) % places AS place
              FROM deal d JOIN (SELECT p AS contact, place, places FROM contact_place) USING (contact)
              WHERE places > 1 AND {shop.chance("second role", "o", 35)}) d
        JOIN (SELECT c, place, number AS contact_number, created FROM contact_place) s USING (c, place)
        WHERE o NOT IN (SELECT o FROM deal_plant)"""
    first = """
        SELECT number * 2 AS place, number, contact_number, o, lead, owner, greatest(d.created, c.created) AS moment,
            true AS first
        FROM deal d JOIN (SELECT p AS contact, number AS contact_number, created FROM contact_no) c USING (contact)"""
    shop.store(
        "OpportunityContactRole",
        f"""
        SELECT {shop.id("OpportunityContactRole", "r.place")} AS Id, {shop.id("Opportunity", "number")}
            AS OpportunityId,
            {shop.id("Contact", "contact_number")} AS ContactId, first AS IsPrimary,
            CASE WHEN NOT first OR lead IS NULL THEN {shop.pick("role name", "r.place", roles)} END AS Role,
            {shop.audit("moment", "moment", "id", "id")}
        FROM ({first} UNION ALL {second}) r JOIN rep ON rep.n = owner ORDER BY r.place""",
    )


def _expected(amount: str, probability: str) -> str:
    return f"CAST({amount} * {probability} / 100 AS DECIMAL(18,2))"
