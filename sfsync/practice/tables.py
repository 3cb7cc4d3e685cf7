"""The objects of the practice org and their fields. The notation is explained in `notation.py`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sfsync.practice import tables_more as more
from sfsync.practice.fragments import DELETED, ID, PERSON, SEEN, SYSTEM, address
from sfsync.practice.notation import fields
from sfsync.practice.schema import Child, Schema, SObject

_LEAD = f"""
{ID}{DELETED}
MasterRecordId reference ro -> Lead as MasterRecord
{PERSON}
RecordTypeId reference -> RecordType as RecordType
Title string(128)
Company string(255) required
{address()}
Phone phone
MobilePhone phone
Fax phone
Email email lookup
Website url
PhotoUrl url ro ; Photo URL
Description textarea(32000)
LeadSource picklist in=Source
Status picklist required auto in=LeadStatus
Industry picklist in=Industry
Rating picklist in=Rating
AnnualRevenue currency(18,0)
NumberOfEmployees int ; Employees
OwnerId reference required auto -> Group|User as Owner
HasOptedOutOfEmail boolean ; Email Opt Out
IsConverted boolean create ; Converted
ConvertedDate date ro
ConvertedAccountId reference ro -> Account as ConvertedAccount
ConvertedContactId reference ro -> Contact as ConvertedContact
ConvertedOpportunityId reference ro -> Opportunity as ConvertedOpportunity
IsUnreadByOwner boolean ; Unread By Owner
{SYSTEM}
LastActivityDate date ro ; Last Activity
DoNotCall boolean
HasOptedOutOfFax boolean ; Fax Opt Out
{SEEN}
LastTransferDate date ro
Jigsaw string(20) ; Data.com Key
JigsawContactId string(20) ro
CleanStatus picklist(40) only=Clean
CompanyDunsNumber string(9) ; Company D-U-N-S Number
DandbCompanyId reference -> DandBCompany as DandbCompany ; D&B Company ID
EmailBouncedReason string(255) update
EmailBouncedDate datetime update
IndividualId reference -> Individual as Individual
FirstCallDateTime datetime ro
FirstEmailDateTime datetime ro
External_Id__c string(64) external unique
Product_Interest__c multipicklist only=Interest
"""

_ACCOUNT = f"""
{ID}{DELETED}
MasterRecordId reference ro -> Account as MasterRecord
Name string(255) required name of=Name ; Account Name
Type picklist(40) in=AccountType ; Account Type
RecordTypeId reference -> RecordType as RecordType
ParentId reference -> Account as Parent ; Parent Account ID
{address("Billing")}
{address("Shipping")}
Phone phone ; Account Phone
Fax phone ; Account Fax
AccountNumber string(40)
Website url
PhotoUrl url ro ; Photo URL
Sic string(20) ; SIC Code
Industry picklist(40) in=Industry
AnnualRevenue currency(18,0)
NumberOfEmployees int ; Employees
Ownership picklist(40) in=Ownership
TickerSymbol string(20)
Description textarea(32000) ; Account Description
Rating picklist(40) in=Rating ; Account Rating
Site string(80) ; Account Site
OwnerId reference required auto -> User as Owner
{SYSTEM}
LastActivityDate date ro ; Last Activity
{SEEN}
IsPartner boolean update ; Partner Account
IsCustomerPortal boolean update ; Customer Portal Account
ChannelProgramName string(255) ro nofilter nosort
ChannelProgramLevelName string(255) ro nofilter nosort
Jigsaw string(20) ; Data.com Key
JigsawCompanyId string(20) ro
CleanStatus picklist(40) only=Clean
AccountSource picklist(40) in=Source
DunsNumber string(9) ; D-U-N-S Number
Tradestyle string(255)
NaicsCode string(8) ; NAICS Code
NaicsDesc string(120) ; NAICS Description
YearStarted string(4)
SicDesc string(80) ; SIC Description
DandbCompanyId reference -> DandBCompany as DandbCompany ; D&B Company ID
OperatingHoursId reference -> OperatingHours as OperatingHours
External_Id__c string(64) external unique
"""

_CONTACT = f"""
{ID}{DELETED}
MasterRecordId reference ro -> Contact as MasterRecord
AccountId reference -> Account as Account
{PERSON}
RecordTypeId reference -> RecordType as RecordType
{address("Other")}
{address("Mailing")}
Phone phone ; Business Phone
Fax phone ; Business Fax
MobilePhone phone
HomePhone phone
OtherPhone phone
AssistantPhone phone ; Asst. Phone
ReportsToId reference -> Contact as ReportsTo
Email email lookup
Title string(128)
Department string(80)
AssistantName string(40) ; Assistant's Name
LeadSource picklist in=Source
Birthdate date
Description textarea(32000) ; Contact Description
OwnerId reference required auto -> User as Owner
HasOptedOutOfEmail boolean ; Email Opt Out
HasOptedOutOfFax boolean ; Fax Opt Out
DoNotCall boolean
{SYSTEM}
LastActivityDate date ro ; Last Activity
LastCURequestDate datetime ro ; Last Stay-in-Touch Request Date
LastCUUpdateDate datetime ro ; Last Stay-in-Touch Save Date
{SEEN}
EmailBouncedReason string(255)
EmailBouncedDate datetime
IsEmailBounced boolean ro
PhotoUrl url ro ; Photo URL
Jigsaw string(20) ; Data.com Key
JigsawContactId string(20) ro
CleanStatus picklist(40) only=Clean
IndividualId reference -> Individual as Individual
"""

_OPPORTUNITY = f"""
{ID}{DELETED}
AccountId reference -> Account as Account
RecordTypeId reference -> RecordType as RecordType
IsPrivate boolean ; Private
Name string(120) required name lookup
Description textarea(32000)
StageName picklist required in=Stage ; Stage
Amount currency(18,2)
Probability percent(3,0) auto ; Probability (%)
ExpectedRevenue currency(18,2) ro ; Expected Amount
TotalOpportunityQuantity double(18,2) ; Quantity
CloseDate date required
Type picklist in=OpportunityType ; Opportunity Type
NextStep string(255)
LeadSource picklist in=Source
IsClosed boolean ro ; Closed
IsWon boolean ro ; Won
ForecastCategory picklist(40) required ro only=Forecast
ForecastCategoryName picklist auto only=ForecastName ; Forecast Category
CampaignId reference -> Campaign as Campaign
HasOpportunityLineItem boolean ro ; Has Line Item
Pricebook2Id reference auto -> Pricebook2 as Pricebook2 ; Price Book ID
OwnerId reference required auto -> User as Owner
{SYSTEM}
LastActivityDate date ro ; Last Activity
PushCount int ro
LastStageChangeDate datetime ro
FiscalQuarter int ro of=Fiscal
FiscalYear int ro of=Fiscal
Fiscal string(6) ro ; Fiscal Period
ContactId reference create -> Contact
{SEEN}
HasOpenActivity boolean ro nofilter nosort
HasOverdueTask boolean ro nofilter nosort
LastAmountChangedHistoryId reference ro -> OpportunityHistory as LastAmountChangedHistory ; Opportunity History ID
LastCloseDateChangedHistoryId reference ro -> OpportunityHistory as LastCloseDateChangedHistory ; Opportunity History ID
Weighted_Amount__c currency(18,2) := CAST(CAST("Amount" AS DECIMAL(30,2)) * "Probability" * 0.01 AS DECIMAL(18,2))
"""

_WRITE = "create update delete"
_OBJECTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("Account", "001", "Accounts", f"{_WRITE} undelete merge", _ACCOUNT),
    ("BusinessProcess", "019", "Business Processes", "create update nobulk", more.BUSINESS_PROCESS),
    ("Campaign", "701", "Campaigns", f"{_WRITE} undelete", more.CAMPAIGN),
    ("CampaignMember", "00v", "Campaign Members", _WRITE, more.CAMPAIGN_MEMBER),
    ("Contact", "003", "Contacts", f"{_WRITE} undelete merge", _CONTACT),
    ("DuplicateRecordItem", "0GL", "Duplicate Record Items", _WRITE, more.DUPLICATE_ITEM),
    ("DuplicateRecordSet", "0GK", "Duplicate Record Sets", _WRITE, more.DUPLICATE_SET),
    ("Event", "00U", "Events", f"{_WRITE} undelete", more.EVENT),
    ("Group", "00G", "Groups", _WRITE, more.GROUP),
    ("Lead", "00Q", "Leads", f"{_WRITE} undelete merge", _LEAD),
    ("LeadHistory", "017", "Lead History", "", more.history("Lead")),
    ("LeadStatus", "01J", "Lead Status Values", "nobulk", more.LEAD_STATUS),
    ("Opportunity", "006", "Opportunities", f"{_WRITE} undelete", _OPPORTUNITY),
    ("OpportunityContactRole", "00K", "Opportunity Contact Roles", _WRITE, more.CONTACT_ROLE),
    ("OpportunityFieldHistory", "017", "Opportunity Field History", "", more.history("Opportunity")),
    ("OpportunityHistory", "008", "Opportunity History", "", more.OPPORTUNITY_HISTORY),
    ("OpportunityStage", "01J", "Opportunity Stages", "nobulk", more.OPPORTUNITY_STAGE),
    ("Organization", "00D", "Organizations", "update", more.ORGANIZATION),
    ("Period", "026", "Periods", "nobulk", more.PERIOD),
    ("Profile", "00e", "Profiles", "", more.PROFILE),
    ("QueueSobject", "03g", "Queue Sobjects", "create delete", more.QUEUE_SOBJECT),
    ("RecordType", "012", "Record Types", "create update nobulk", more.RECORD_TYPE),
    ("Task", "00T", "Tasks", f"{_WRITE} undelete", more.TASK),
    ("TaskStatus", "01J", "Task Status Values", "nobulk", more.TASK_STATUS),
    ("User", "005", "Users", "create update", more.USER),
    ("UserRole", "00E", "Roles", _WRITE, more.USER_ROLE),
)
_LABELS = {"UserRole": "Role", "QueueSobject": "Queue Sobject", "LeadStatus": "Lead Status Value"}

# Parent, the relationship's name, child and field; `cascade`: deleted with the parent. References not listed have no
# relationship name and are left alone or emptied.
_RELATIONS = """
Account ChildAccounts Account.ParentId
Account Contacts Contact.AccountId cascade
Account Opportunities Opportunity.AccountId cascade
Account Tasks Task.WhatId cascade
Account Events Event.WhatId cascade
Account DuplicateRecordItems DuplicateRecordItem.RecordId cascade
Contact Opportunities Opportunity.ContactId
Contact OpportunityContactRoles OpportunityContactRole.ContactId cascade
Contact CampaignMembers CampaignMember.ContactId cascade
Contact Tasks Task.WhoId cascade
Contact Events Event.WhoId cascade
Contact DuplicateRecordItems DuplicateRecordItem.RecordId cascade
Lead Histories LeadHistory.LeadId cascade
Lead CampaignMembers CampaignMember.LeadId cascade
Lead Tasks Task.WhoId cascade
Lead Events Event.WhoId cascade
Lead DuplicateRecordItems DuplicateRecordItem.RecordId cascade
Opportunity OpportunityContactRoles OpportunityContactRole.OpportunityId cascade
Opportunity OpportunityHistories OpportunityHistory.OpportunityId cascade
Opportunity Histories OpportunityFieldHistory.OpportunityId cascade
Opportunity Tasks Task.WhatId cascade
Opportunity Events Event.WhatId cascade
Campaign ChildCampaigns Campaign.ParentId
Campaign CampaignMembers CampaignMember.CampaignId cascade
Campaign Opportunities Opportunity.CampaignId
Campaign Tasks Task.WhatId cascade
Campaign Events Event.WhatId cascade
DuplicateRecordSet DuplicateRecordItems DuplicateRecordItem.DuplicateRecordSetId cascade
Group QueueSobjects QueueSobject.QueueId cascade
Profile Users User.ProfileId
User ManagedUsers User.ManagerId
UserRole Users User.UserRoleId
"""


def standard_schema() -> Schema:
    """A new org's objects and fields. Each call gives its own Schema, so that one org's changes stay its own."""
    objects, relations = _standard()
    return Schema(dict(objects), dict(relations))


@cache
def _standard() -> tuple[dict[str, SObject], dict[str, tuple[Child, ...]]]:
    """The tables above, read once: nobody changes an SObject, only which of them an org has."""
    objects = {name: sobject(name, prefix, plural, flags, text) for name, prefix, plural, flags, text in _OBJECTS}
    return objects, _relations(objects)


def sobject(name: str, prefix: str, plural: str, flags: str, text: str) -> SObject:
    """One object. flags: which of create, update, delete, undelete, merge it allows; nobulk. text: its fields."""
    can = set(flags.split())
    label = _LABELS.get(name) or "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(name))
    lines = "\n".join(line for line in text.splitlines() if line.strip())
    made = {f.name: f for f in fields(lines)}
    made["Id"] = replace(made["Id"], label=f"{label} ID")
    return SObject(
        *(name, prefix, label, plural, made),
        createable="create" in can,
        updateable="update" in can,
        deletable="delete" in can,
        mergeable="merge" in can,
        undeletable="undelete" in can,
        replicateable="IsDeleted" in made or name in ("User", "Organization", "Profile", "UserRole"),
        bulk="nobulk" not in can,
    )


def _relations(objects: dict[str, SObject]) -> dict[str, tuple[Child, ...]]:
    named: dict[tuple[str, str, str], tuple[str | None, bool]] = {}
    for line in _RELATIONS.split("\n"):
        if line:
            parent, relationship, child, *flags = line.split()
            owner, _, field = child.partition(".")
            named[parent, owner, field] = (relationship, "cascade" in flags)
    found: dict[str, list[Child]] = {}
    for name in sorted(objects):
        for f in objects[name].fields.values():
            for parent in f.refers:
                label, cascade = named.get((parent, name, f.name), (None, False))
                found.setdefault(parent, []).append(Child(name, f.name, label, cascade))
    return {parent: tuple(children) for parent, children in found.items()}
