"""Picklist values of a new org, as a trial org has them."""

from __future__ import annotations

from sfsync.practice.schema import PickValue


def _values(*texts: str, default: str | None = None, **labels: str) -> tuple[PickValue, ...]:
    return tuple(PickValue(t, labels.get(t, t), default=t == default) for t in texts)


_SOURCES = _values("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
_INDUSTRIES = _values(
    *("Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction"),
    *("Consulting", "Education", "Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance"),
    *("Food & Beverage", "Government", "Healthcare", "Hospitality", "Insurance", "Machinery", "Manufacturing"),
    *("Media", "Not For Profit", "Recreation", "Retail", "Shipping", "Technology", "Telecommunications"),
    *("Transportation", "Utilities", "Other"),
)
LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
STAGES = (
    *("Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers"),
    *("Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"),
)
_ZONES = (
    *("Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai", "Asia/Singapore", "Asia/Kolkata"),
    *("Asia/Dubai", "Europe/Istanbul", "Europe/Athens", "Europe/Warsaw", "Europe/Berlin", "Europe/Paris"),
    *("Europe/Amsterdam", "Europe/Madrid", "Europe/Rome", "Europe/Stockholm", "Europe/London", "GMT"),
    *("America/Sao_Paulo", "America/Halifax", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Phoenix", "America/Los_Angeles", "Pacific/Honolulu"),
)
_LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "sv_SE", "ja_JP", "zh_CN", "tr_TR")

VALUE_SETS: dict[str, tuple[PickValue, ...]] = {
    "Salutation": _values("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."),
    "Geocode": _values(
        *("Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City", "County"),
        *("State", "Unknown"),
    ),
    "Source": _SOURCES,
    "LeadStatus": _values(*LEAD_STATUSES, default=LEAD_STATUSES[0]),
    "Industry": _INDUSTRIES,
    "Rating": _values("Hot", "Warm", "Cold"),
    "Clean": _values(
        *("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending", "SelectMatch", "Skipped"),
        NotFound="Not Found",
        SelectMatch="Select Match",
        Matched="In Sync",
        Acknowledged="Reviewed",
        Pending="Not Compared",
    ),
    "AccountType": _values(
        *("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller"),
        *("Installation Partner", "Technology Partner", "Other"),
    ),
    "Ownership": _values("Public", "Private", "Subsidiary", "Other"),
    "Stage": _values(*STAGES),
    "OpportunityType": _values(
        *("Existing Customer - Upgrade", "Existing Customer - Replacement", "Existing Customer - Downgrade"),
        "New Customer",
    ),
    "Forecast": _values(
        *("Omitted", "Pipeline", "BestCase", "MostLikely", "Forecast", "Closed"),
        BestCase="Best Case",
        MostLikely="Most Likely",
        Forecast="Commit",
    ),
    "ForecastName": _values("Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
    "Role": _values(
        *("Business User", "Decision Maker", "Economic Buyer", "Economic Decision Maker", "Evaluator"),
        *("Executive Sponsor", "Influencer", "Technical Buyer", "Other"),
    ),
    "Interest": _values("Hardware", "Software", "Services", "Training", "Support"),
    "TaskStatus": _values(
        *("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"), default="Not Started"
    ),
    "Priority": _values("High", "Normal", "Low", default="Normal"),
    "Subject": _values("Call", "Email", "Send Letter", "Send Quote", "Other"),
    "EventSubject": _values("Call", "Email", "Meeting", "Send Letter/Quote", "Other"),
    "CallType": _values("Internal", "Inbound", "Outbound"),
    "TaskSubtype": _values("Task", "Email", "ListEmail", "Cadence", "Call", default="Task"),
    "EventSubtype": _values("Event", default="Event"),
    "ShowAs": _values("Busy", "OutOfOffice", "Free", default="Busy", OutOfOffice="Out of Office"),
    "GroupEvent": _values("0", "1", "2", "3", default="0"),
    "Recurrence": _values(
        *("RecursDaily", "RecursEveryWeekday", "RecursMonthly", "RecursMonthlyNth", "RecursWeekly", "RecursYearly"),
        "RecursYearlyNth",
    ),
    "RecurrenceInstance": _values("First", "Second", "Third", "Fourth", "Last"),
    "Month": _values(
        *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
        *("November", "December"),
    ),
    "CampaignType": _values(
        *("Conference", "Webinar", "Trade Show", "Public Relations", "Partners", "Referral Program", "Advertisement"),
        *("Banner Ads", "Direct Mail", "Email", "Telemarketing", "Other"),
    ),
    "CampaignStatus": _values("Planned", "In Progress", "Completed", "Aborted", default="Planned"),
    "MemberStatus": _values("Sent", "Responded", default="Sent"),
    "Zone": _values(*_ZONES),
    "Locale": _values(*_LOCALES),
    "Encoding": _values("UTF-8", "ISO-8859-1", "Shift_JIS", "ISO-2022-JP", "GB2312"),
    "UserType": _values("Standard", "PowerPartner", "CSPLitePortal", "CustomerSuccess", "CsnOnly", "AutomatedProcess"),
    "GroupType": _values("Regular", "Role", "RoleAndSubordinates", "Organization", "Queue"),
    "OrgType": _values(
        *("Team Edition", "Professional Edition", "Enterprise Edition", "Developer Edition", "Unlimited Edition")
    ),
    "PeriodType": _values("Month", "Quarter", "Week", "Year"),
    "HistoryType": _values("Text", "EntityId", "Boolean", "Currency", "DateOnly", "DateTime", "DynamicEnum", "Double"),
    "Access": _values("None", "Read", "Edit", "ReadEditTransfer", "All", "ControlledByParent"),
    "Process": _values("Lead", "Opportunity", "Case", "Solution"),
}
