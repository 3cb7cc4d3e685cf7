"""What an org has before anyone put a record into it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfsync.practice.periods import write_periods
from sfsync.practice.picklists import LEAD_STATUSES, STAGES
from sfsync.practice.store import Row, Store

_STAGE_FACTS: tuple[tuple[int, str, bool, bool], ...] = (
    *((10, "Pipeline", False, False), (10, "Pipeline", False, False), (20, "Pipeline", False, False)),
    *((50, "Pipeline", False, False), (60, "Pipeline", False, False), (70, "Pipeline", False, False)),
    *((75, "Pipeline", False, False), (90, "Pipeline", False, False), (100, "Closed", True, True)),
    (0, "Omitted", True, False),
)
CATEGORY_NAMES = {
    **{"Omitted": "Omitted", "Pipeline": "Pipeline", "BestCase": "Best Case", "MostLikely": "Most Likely"},
    **{"Forecast": "Commit", "Closed": "Closed"},
}
"""ForecastCategory → ForecastCategoryName."""
_TASK_STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")


def fill(store: Store, stamp: datetime, organization_id: str) -> str:
    """Write a new org's organization, first user, profiles, status values and periods. Returns the user's Id."""
    user = store.new_ids("User", 1)[0]
    with store.transaction():
        store.insert("Organization", [_audit(_organization(organization_id), stamp, user)])
        profiles = _with_ids(store, "Profile", [{"Name": n, "UserType": "Standard"} for n in _PROFILES])
        store.insert("Profile", [_audit(p, stamp, user) for p in profiles])
        store.insert("User", [_audit({"Id": user, **_integration_user(profiles[0]["Id"])}, stamp, user)])
        for sobject, rows in (
            ("LeadStatus", _lead_statuses()),
            ("OpportunityStage", _stages()),
            ("TaskStatus", _task_statuses()),
        ):
            store.insert(sobject, [_audit(r, stamp, user) for r in _with_ids(store, sobject, rows)])
        write_periods(store, stamp)
    return user


_PROFILES = ("System Administrator", "Standard User")


def _with_ids(store: Store, sobject: str, rows: list[Row]) -> list[Row]:
    return [{"Id": i, **row} for i, row in zip(store.new_ids(sobject, len(rows)), rows, strict=True)]


def _audit(row: Row, stamp: datetime, user: str) -> Row:
    stamps: dict[str, Any] = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
    return row | stamps | {"CreatedById": user, "LastModifiedById": user}


def _organization(organization_id: str) -> Row:
    return {
        **{"Id": organization_id, "Name": "Practice Org", "Country": "US", "PrimaryContact": "Integration User"},
        **{"DefaultLocaleSidKey": "en_US", "LanguageLocaleKey": "en_US", "TimeZoneSidKey": "America/New_York"},
        **{"FiscalYearStartMonth": 1, "UsesStartDateAsFiscalYearName": False, "OrganizationType": "Developer Edition"},
        **{"DefaultAccountAccess": "Edit", "DefaultContactAccess": "ControlledByParent", "InstanceName": "PR1"},
        **{"DefaultOpportunityAccess": "Edit", "DefaultLeadAccess": "ReadEditTransfer", "IsSandbox": False},
        **{"IsReadOnly": False, "MonthlyPageViewsEntitlement": 0, "MonthlyPageViewsUsed": 0},
    }


def _integration_user(profile: str) -> Row:
    return {
        **{"Username": "integration@practice.example", "LastName": "User", "FirstName": "Integration"},
        **{"Name": "Integration User", "Email": "integration@practice.example", "Alias": "integ", "IsActive": True},
        **{"CommunityNickname": "integration", "TimeZoneSidKey": "America/New_York", "LocaleSidKey": "en_US"},
        **{"EmailEncodingKey": "UTF-8", "ProfileId": profile, "UserType": "Standard", "LanguageLocaleKey": "en_US"},
        "ForecastEnabled": True,
    }


def _lead_statuses() -> list[Row]:
    return [
        {
            **{"MasterLabel": name, "ApiName": name, "SortOrder": order},
            **{"IsDefault": order == 1, "IsConverted": name == "Closed - Converted"},
        }
        for order, name in enumerate(LEAD_STATUSES, 1)
    ]


def _stages() -> list[Row]:
    return [
        {
            **{"MasterLabel": name, "ApiName": name, "IsActive": True, "SortOrder": order, "IsClosed": closed},
            **{"IsWon": won, "DefaultProbability": probability, "ForecastCategory": category},
            "ForecastCategoryName": CATEGORY_NAMES[category],
        }
        for order, (name, (probability, category, closed, won)) in enumerate(zip(STAGES, _STAGE_FACTS, strict=True), 1)
    ]


def _task_statuses() -> list[Row]:
    return [
        {
            **{"MasterLabel": name, "ApiName": name, "SortOrder": order},
            **{"IsDefault": order == 1, "IsClosed": name == "Completed"},
        }
        for order, name in enumerate(_TASK_STATUSES, 1)
    ]
