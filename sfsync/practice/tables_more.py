"""The objects around Lead, Account, Contact and Opportunity, in the notation of `notation.py`."""

from __future__ import annotations

from sfsync.practice.fragments import DELETED, ID, SEEN, SYSTEM, address

LEAD_STATUS = f"""
{ID}
MasterLabel string(255) ro name
ApiName string(255) required ro lookup
SortOrder int ro
IsDefault boolean ro
IsConverted boolean ro
{SYSTEM}
"""

OPPORTUNITY_STAGE = f"""
{ID}
MasterLabel string(255) ro name
ApiName string(255) required ro lookup
IsActive boolean ro
SortOrder int ro
IsClosed boolean ro
IsWon boolean ro
ForecastCategory picklist(40) required ro only=Forecast
ForecastCategoryName picklist(40) required ro only=ForecastName
DefaultProbability percent(3,0) ro
Description string(255) ro
{SYSTEM}
"""

TASK_STATUS = f"""
{ID}
MasterLabel string(255) ro name
ApiName string(255) required ro lookup
SortOrder int ro
IsDefault boolean ro
IsClosed boolean ro
{SYSTEM}
"""

USER = f"""
{ID}
Username string(80) required lookup
LastName string(80) required of=Name
FirstName string(40) of=Name
Name string(121) required ro name ; Full Name
CompanyName string(80)
Division string(80)
Department string(80)
Title string(80)
{address()}
Email email(128) required lookup
Phone phone
MobilePhone phone ; Mobile
Alias string(8) required
CommunityNickname string(40) required ; Nickname
IsActive boolean default=true ; Active
TimeZoneSidKey picklist(40) required only=Zone ; Time Zone
UserRoleId reference -> UserRole as UserRole
LocaleSidKey picklist(40) required only=Locale ; Locale
ReceivesInfoEmails boolean ; Info Emails
ReceivesAdminInfoEmails boolean ; Admin Info Emails
EmailEncodingKey picklist(40) required only=Encoding ; Email Encoding
ProfileId reference required -> Profile as Profile
UserType picklist(40) ro only=UserType
LanguageLocaleKey picklist(40) required only=Locale ; Language
EmployeeNumber string(20)
ManagerId reference -> User as Manager
LastLoginDate datetime ro ; Last Login
{SYSTEM}
ForecastEnabled boolean ; Allow Forecasting
FederationIdentifier string(512) lookup unique cased ; SAML Federation ID
AboutMe textarea(1000)
{SEEN}
"""

GROUP = f"""
{ID}
Name string(40) required name
DeveloperName string(80)
RelatedId reference ro -> User|UserRole as Related
Type picklist(40) required create only=GroupType
Email email(255)
OwnerId reference ro -> Organization|User as Owner
DoesSendEmailToMembers boolean ; Send Email to Members
DoesIncludeBosses boolean ; Include Bosses
{SYSTEM}
"""

QUEUE_SOBJECT = f"""
{ID}
QueueId reference required create -> Group as Queue
SobjectType string(40) required create
CreatedById reference required ro auto -> User as CreatedBy
SystemModstamp datetime required ro auto
"""

RECORD_TYPE = f"""
{ID}
Name string(80) required name
DeveloperName string(80) required
NamespacePrefix string(15) ro
Description string(255)
BusinessProcessId reference -> BusinessProcess as BusinessProcess
SobjectType string(40) required create
IsActive boolean ; Active
{SYSTEM}
"""

BUSINESS_PROCESS = f"""
{ID}
Name string(80) required name
NamespacePrefix string(15) ro
Description string(255)
TableEnumOrId picklist(40) required create only=Process
IsActive boolean ; Active
{SYSTEM}
"""

ORGANIZATION = f"""
{ID}
Name string(80) required name
Division string(80)
{address()}
Phone phone
Fax phone
PrimaryContact string(80)
DefaultLocaleSidKey picklist(40) required only=Locale ; Locale
TimeZoneSidKey picklist(40) required only=Zone ; Time Zone
LanguageLocaleKey picklist(40) required only=Locale ; Language
FiscalYearStartMonth int ; Fiscal Year Starts In
UsesStartDateAsFiscalYearName boolean ; Fiscal Year Name by Start
DefaultAccountAccess picklist(40) ro only=Access
DefaultContactAccess picklist(40) ro only=Access
DefaultOpportunityAccess picklist(40) ro only=Access
DefaultLeadAccess picklist(40) ro only=Access
OrganizationType picklist(40) ro only=OrgType ; Edition
NamespacePrefix string(15) ro
InstanceName string(5) ro
IsSandbox boolean ro
TrialExpirationDate datetime ro
IsReadOnly boolean ro
MonthlyPageViewsEntitlement int ro
MonthlyPageViewsUsed int ro
{SYSTEM}
"""

TASK = f"""
{ID}
WhoId reference -> Contact|Lead as Who ; Name ID
WhatId reference -> Account|Campaign|Opportunity as What ; Related To ID
Subject combobox(255) name nogroup in=Subject
ActivityDate date ; Due Date Only
Status picklist required auto in=TaskStatus
Priority picklist required auto in=Priority
IsHighPriority boolean ro ; High Priority
OwnerId reference required auto -> Group|User as Owner ; Assigned To ID
Description textarea(32000)
{DELETED}
AccountId reference ro -> Account as Account
IsClosed boolean ro ; Closed
{SYSTEM}
IsArchived boolean ro ; Archived
CallDurationInSeconds int ; Call Duration
CallType picklist(40) only=CallType
CallDisposition string(255) ; Call Result
CallObject string(255) ; Call Object Identifier
ReminderDateTime datetime
IsReminderSet boolean ; Reminder Set
RecurrenceActivityId reference ro -> Task as RecurrenceActivity
IsRecurrence boolean create ; Create Recurring Series of Tasks
RecurrenceStartDateOnly date ; Recurrence Start
RecurrenceEndDateOnly date ; Recurrence End
RecurrenceTimeZoneSidKey picklist(40) only=Zone ; Recurrence Time Zone
RecurrenceType picklist(40) only=Recurrence
RecurrenceInterval int
RecurrenceDayOfWeekMask int
RecurrenceDayOfMonth int
RecurrenceInstance picklist(40) only=RecurrenceInstance
RecurrenceMonthOfYear picklist(40) only=Month
TaskSubtype picklist(40) create only=TaskSubtype
CompletedDateTime datetime ro
"""

EVENT = f"""
{ID}
WhoId reference -> Contact|Lead as Who ; Name ID
WhatId reference -> Account|Campaign|Opportunity as What ; Related To ID
Subject combobox(255) name nogroup in=EventSubject
Location string(255)
IsAllDayEvent boolean ; All-Day Event
ActivityDateTime datetime ; Due Date Time
ActivityDate date ; Due Date Only
DurationInMinutes int ; Duration
StartDateTime datetime ; Start Date Time
EndDateTime datetime ; End Date Time
EndDate date ro
Description textarea(32000)
AccountId reference ro -> Account as Account
OwnerId reference required auto -> User as Owner ; Assigned To ID
IsPrivate boolean ; Private
ShowAs picklist(40) auto only=ShowAs ; Show Time As
{DELETED}
IsChild boolean ro
IsGroupEvent boolean ro
GroupEventType picklist(40) ro auto only=GroupEvent
{SYSTEM}
IsArchived boolean ro ; Archived
RecurrenceActivityId reference ro -> Event as RecurrenceActivity
IsRecurrence boolean create ; Create Recurring Series of Events
RecurrenceStartDateTime datetime ; Recurrence Start
RecurrenceEndDateOnly date ; Recurrence End
RecurrenceTimeZoneSidKey picklist(40) only=Zone ; Recurrence Time Zone
RecurrenceType picklist(40) only=Recurrence
RecurrenceInterval int
RecurrenceDayOfWeekMask int
RecurrenceDayOfMonth int
RecurrenceInstance picklist(40) only=RecurrenceInstance
RecurrenceMonthOfYear picklist(40) only=Month
ReminderDateTime datetime
IsReminderSet boolean ; Reminder Set
EventSubtype picklist(40) create only=EventSubtype
"""

CONTACT_ROLE = f"""
{ID}
OpportunityId reference required create -> Opportunity as Opportunity
ContactId reference required -> Contact as Contact
Role picklist(40) in=Role
IsPrimary boolean ; Primary
{SYSTEM}{DELETED}
"""

OPPORTUNITY_HISTORY = f"""
{ID}
OpportunityId reference required ro -> Opportunity as Opportunity
CreatedById reference required ro auto -> User as CreatedBy
CreatedDate datetime required ro auto
StageName picklist required ro in=Stage
Amount currency(18,2) ro
ExpectedRevenue currency(18,2) ro
CloseDate date ro
Probability percent(3,0) ro
ForecastCategory picklist(40) ro only=Forecast
SystemModstamp datetime required ro auto
{DELETED}
PrevAmount currency(18,2) ro
PrevCloseDate date ro
"""


def history(parent: str) -> str:
    return f"""
{ID}{DELETED}
{parent}Id reference required ro -> {parent} as {parent}
CreatedById reference required ro auto -> User as CreatedBy
CreatedDate datetime required ro auto
Field picklist(255) required ro
DataType picklist(40) ro only=HistoryType
OldValue anyType(255) ro
NewValue anyType(255) ro
"""


CAMPAIGN = f"""
{ID}{DELETED}
Name string(80) required name
ParentId reference -> Campaign as Parent
Type picklist(40) in=CampaignType
Status picklist(40) auto in=CampaignStatus
StartDate date
EndDate date
ExpectedRevenue currency(18,0)
BudgetedCost currency(18,0)
ActualCost currency(18,0)
ExpectedResponse percent(10,2) ; Expected Response (%)
NumberSent double(18,0) ; Num Sent
IsActive boolean ; Active
Description textarea(32000)
OwnerId reference required auto -> User as Owner
{SYSTEM}
LastActivityDate date ro ; Last Activity
{SEEN}
"""

CAMPAIGN_MEMBER = f"""
{ID}{DELETED}
CampaignId reference required create -> Campaign as Campaign
LeadId reference create -> Lead as Lead
ContactId reference create -> Contact as Contact
Status picklist(40) auto in=MemberStatus
HasResponded boolean ro ; Responded
{SYSTEM}
FirstRespondedDate date ro
"""

PROFILE = f"""
{ID}
Name string(255) required name
UserType picklist(40) ro only=UserType
Description string(255)
{SYSTEM}
"""

USER_ROLE = f"""
{ID}
Name string(80) required name
ParentRoleId reference -> UserRole
RollupDescription string(80)
DeveloperName string(80)
LastModifiedDate datetime required ro auto
LastModifiedById reference required ro auto -> User as LastModifiedBy
SystemModstamp datetime required ro auto
"""

PERIOD = f"""
{ID}
FiscalYearSettingsId reference ro -> FiscalYearSettings as FiscalYearSettings
Type picklist(40) ro only=PeriodType
StartDate date required ro
EndDate date required ro
SystemModstamp datetime required ro auto
IsForecastPeriod boolean ro
QuarterLabel picklist ro ; Quarter Name
PeriodLabel picklist ro ; Period Name
Number int(9) ro
FullyQualifiedLabel string(80) ro nofilter nosort
"""

CURRENCY_TYPE = f"""
{ID}
IsoCode string(3) required create name ; Currency ISO Code
ConversionRate double(18,6) required
DecimalPlaces int required
IsActive boolean ; Active
IsCorporate boolean ; Corporate Currency
{SYSTEM}
"""

DATED_RATE = f"""
{ID}
IsoCode string(3) required create ; Currency ISO Code
StartDate date required create
NextStartDate date ro
ConversionRate double(18,6) required
{SYSTEM}
"""

DUPLICATE_SET = f"""
{ID}{DELETED}
Name string(255) required ro auto name lookup
{SYSTEM}{SEEN}
DuplicateRuleId reference -> DuplicateRule as DuplicateRule
RecordCount int ro
ParentId reference -> Account|Contact|Lead as Parent
SobjectType picklist(40) required
"""

DUPLICATE_ITEM = f"""
{ID}{DELETED}
Name string(255) required ro auto name lookup
{SYSTEM}
DuplicateRecordSetId reference required create -> DuplicateRecordSet as DuplicateRecordSet
RecordId reference required -> Account|Contact|Lead as Record
"""
