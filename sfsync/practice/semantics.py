"""What the platform itself does with a record being saved, object by object.

Each function completes `draft.new` from what was given and what was there. It raises ApiError to refuse the record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sfsync.practice.bootstrap import CATEGORY_NAMES
from sfsync.practice.saving import Draft, Moment, refuse

_CATEGORY_OF = {name: category for category, name in CATEGORY_NAMES.items()}
_CENT = Decimal("0.01")


def _name(draft: Draft) -> None:
    parts = (draft.new.get("FirstName"), draft.new.get("LastName"))
    draft.new["Name"] = " ".join(p for p in parts if p) or None


def _owner_history(moment: Moment, draft: Draft, history: str, parent: str) -> None:
    if draft.created or not draft.changed("OwnerId"):
        return
    row = {parent: draft.id, "Field": "Owner", "DataType": "EntityId"}
    moment.add(history, row | {"OldValue": draft.before("OwnerId"), "NewValue": draft.new["OwnerId"]})


def _lead(moment: Moment, draft: Draft) -> None:
    new = draft.new
    if not draft.created and draft.before("IsConverted"):
        raise refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    if draft.created and new.get("IsConverted"):
        message = (
            "Unable to create/update fields: IsConverted. Please check the security settings of this field and verify"
        )
        message += " that it is read/write for your profile or permission set."
        raise refuse("INVALID_FIELD_FOR_INSERT_UPDATE", message, ["IsConverted"])
    _name(draft)
    if draft.created and "Status" not in draft.given:
        new["Status"] = moment.lead_status
    if moment.caller.auto_assign and moment.assign_leads_to:
        new["OwnerId"] = moment.assign_leads_to
    if draft.changed("OwnerId"):
        new["LastTransferDate"] = moment.today
    _email_changed(draft)
    _picture(draft)


def _lead_history(moment: Moment, draft: Draft) -> None:
    if draft.created:
        return
    if draft.changed("Status"):
        row = {"LeadId": draft.id, "Field": "Status", "DataType": "DynamicEnum"}
        moment.add("LeadHistory", row | {"OldValue": draft.before("Status"), "NewValue": draft.new["Status"]})
    _owner_history(moment, draft, "LeadHistory", "LeadId")


def _email_changed(draft: Draft) -> None:
    """A new address has not bounced yet."""
    if not draft.created and draft.changed("Email"):
        draft.new.update(EmailBouncedReason=None, EmailBouncedDate=None)


def _picture(draft: Draft) -> None:
    if draft.created:
        draft.new["PhotoUrl"] = f"/services/images/photo/{draft.id}"


def _contact(moment: Moment, draft: Draft) -> None:
    _name(draft)
    _email_changed(draft)
    _picture(draft)
    draft.new["IsEmailBounced"] = bool(draft.new.get("EmailBouncedDate") or draft.new.get("EmailBouncedReason"))


def _account(moment: Moment, draft: Draft) -> None:
    _picture(draft)


def _user(moment: Moment, draft: Draft) -> None:
    _name(draft)
    if draft.created:
        draft.new["UserType"] = "Standard"


def _opportunity(moment: Moment, draft: Draft) -> None:
    """The stage decides; Probability and ForecastCategoryName follow it unless sent along.

    A stage the org does not list is accepted (the picklist is not restricted): open, category Pipeline, probability 0.
    """
    new = draft.new
    if not draft.created and draft.before("HasOpportunityLineItem"):
        new["Amount"] = draft.before("Amount")
    if draft.changed("StageName"):
        _stage(moment, draft)
    elif "ForecastCategoryName" in draft.given:
        new["ForecastCategory"] = _CATEGORY_OF[new["ForecastCategoryName"]]
    if new["Probability"] is not None and not 0 <= new["Probability"] <= 100:
        message = f"Probability (%): value outside of valid range on numeric field: {new['Probability']}"
        raise refuse("NUMBER_OUTSIDE_VALID_RANGE", message, ["Probability"])
    new["ExpectedRevenue"] = expected_revenue(new.get("Amount"), new["Probability"])
    _fiscal(moment, draft)
    _pushed(draft)


def _stage(moment: Moment, draft: Draft) -> None:
    new, given = draft.new, draft.given
    stage = moment.stages.get(new["StageName"], {})
    new["IsClosed"], new["IsWon"] = bool(stage.get("IsClosed")), bool(stage.get("IsWon"))
    if given.get("Probability") is None:
        new["Probability"] = stage.get("DefaultProbability") or Decimal(0)
    if given.get("ForecastCategoryName") is None:
        new["ForecastCategory"] = stage.get("ForecastCategory") or "Pipeline"
        new["ForecastCategoryName"] = CATEGORY_NAMES[new["ForecastCategory"]]
    else:
        new["ForecastCategory"] = _CATEGORY_OF[new["ForecastCategoryName"]]
    if not draft.created:
        new["LastStageChangeDate"] = moment.stamp


def expected_revenue(amount: Decimal | None, probability: Decimal | None) -> Decimal | None:
    if amount is None or probability is None:
        return None
    return (amount * probability / 100).quantize(_CENT, rounding=ROUND_HALF_UP)


def _fiscal(moment: Moment, draft: Draft) -> None:
    day = draft.new["CloseDate"]
    start = moment.organization["FiscalYearStartMonth"] or 1
    year = day.year if day.month >= start else day.year - 1
    if start > 1 and not moment.organization["UsesStartDateAsFiscalYearName"]:
        year += 1
    quarter = (day.month - start) % 12 // 3 + 1
    draft.new.update(FiscalYear=year, FiscalQuarter=quarter, Fiscal=f"{year} {quarter}")


def _pushed(draft: Draft) -> None:
    """PushCount: how often the close date went to a later month."""
    was, now = draft.before("CloseDate"), draft.new["CloseDate"]
    if draft.created:
        draft.new["PushCount"] = 0
    elif was and (now.year, now.month) > (was.year, was.month):
        draft.new["PushCount"] = (draft.before("PushCount") or 0) + 1


_OPPORTUNITY_TRACKED = ("Amount", "Probability", "StageName", "CloseDate")
_FIELD_HISTORY = {"Amount": "Currency", "CloseDate": "DateOnly", "StageName": "DynamicEnum"}


def _opportunity_history(moment: Moment, draft: Draft) -> None:
    new = draft.new
    if any(draft.changed(name) for name in _OPPORTUNITY_TRACKED):
        kept = {n: new.get(n) for n in (*_OPPORTUNITY_TRACKED, "ExpectedRevenue", "ForecastCategory")}
        before = {"PrevAmount": draft.before("Amount"), "PrevCloseDate": draft.before("CloseDate")}
        history = moment.add("OpportunityHistory", {"OpportunityId": draft.id, **kept, **before})
        if not draft.created:
            for name in ("Amount", "CloseDate"):
                if draft.changed(name):
                    new[f"Last{name}ChangedHistoryId"] = history
    if draft.created:
        if new.get("ContactId"):
            role = {"OpportunityId": draft.id, "ContactId": new["ContactId"], "IsPrimary": True}
            moment.add("OpportunityContactRole", role)
        return
    for name, kind in _FIELD_HISTORY.items():
        if draft.changed(name):
            row = {"OpportunityId": draft.id, "Field": name, "DataType": kind}
            values = {"OldValue": _shown(draft.before(name)), "NewValue": _shown(new.get(name))}
            moment.add("OpportunityFieldHistory", row | values)
    _owner_history(moment, draft, "OpportunityFieldHistory", "OpportunityId")


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)


def _task(moment: Moment, draft: Draft) -> None:
    new = draft.new
    was_closed = bool(draft.before("IsClosed"))
    new["IsClosed"] = new["Status"] in moment.closed_task_statuses
    new["IsHighPriority"] = new["Priority"] == "High"
    if new["IsClosed"] != was_closed:
        new["CompletedDateTime"] = moment.stamp if new["IsClosed"] else None
    if draft.created:
        new["TaskSubtype"] = new.get("TaskSubtype") or "Task"


def _event(moment: Moment, draft: Draft) -> None:
    new, given = draft.new, draft.given
    start = given.get("StartDateTime") or given.get("ActivityDateTime") or new.get("StartDateTime")
    if start is None and new.get("ActivityDate") and new.get("IsAllDayEvent"):
        return
    if start is None:
        message = "Required fields are missing: [StartDateTime, ActivityDateTime]"
        raise refuse("REQUIRED_FIELD_MISSING", message, ["StartDateTime", "ActivityDateTime"])
    minutes = new.get("DurationInMinutes")
    if given.get("EndDateTime"):
        minutes = int((given["EndDateTime"] - start).total_seconds() // 60)
    if minutes is None or minutes < 0:
        raise refuse("FIELD_INTEGRITY_EXCEPTION", "End Date Time: must be after the start", ["EndDateTime"])
    end = start + timedelta(minutes=minutes)
    new.update(StartDateTime=start, ActivityDateTime=start, ActivityDate=start.date(), EndDateTime=end)
    new.update(DurationInMinutes=minutes, EndDate=end.date(), EventSubtype=new.get("EventSubtype") or "Event")


def _campaign_member(moment: Moment, draft: Draft) -> None:
    if draft.created and bool(draft.new.get("LeadId")) == bool(draft.new.get("ContactId")):
        message = "Required fields are missing: [LeadId, ContactId]"
        raise refuse("REQUIRED_FIELD_MISSING", message, ["LeadId", "ContactId"])
    draft.new["HasResponded"] = draft.new["Status"] == "Responded"
    if draft.new["HasResponded"] and not draft.new.get("FirstRespondedDate"):
        draft.new["FirstRespondedDate"] = moment.today


def _numbered(letters: str) -> Callable[[Moment, Draft], None]:
    def name(moment: Moment, draft: Draft) -> None:
        if draft.created and draft.id:
            draft.new["Name"] = f"{letters}-{draft.id[10:15]}"

    return name


COMPLETE: dict[str, Callable[[Moment, Draft], None]] = {
    **{"Lead": _lead, "Contact": _contact, "Account": _account, "User": _user, "Opportunity": _opportunity},
    **{"Task": _task, "Event": _event, "CampaignMember": _campaign_member},
    **{"DuplicateRecordSet": _numbered("DRS"), "DuplicateRecordItem": _numbered("DRI")},
}
"""Before the row is written; may refuse it."""
HISTORY: dict[str, Callable[[Moment, Draft], None]] = {"Lead": _lead_history, "Opportunity": _opportunity_history}
"""Once it is certain that the row will be written."""
