"""What the practice org accepts, refuses and fills in when records are written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.practice.org import ApiError, Caller, DuplicateRule, PracticeOrg, Saved


@pytest.fixture
def org() -> Iterator[PracticeOrg]:
    with PracticeOrg() as made:
        made.clock.freeze(datetime(2026, 3, 10, 12, 0, 0, 987654, tzinfo=UTC))
        yield made


def save(org: PracticeOrg, op: Any, sobject: str, *records: dict[str, Any], **more: Any) -> list[Saved]:
    return org.save(op, sobject, records, org.caller(), **more)


def create(org: PracticeOrg, sobject: str, **values: Any) -> str:
    (saved,) = save(org, "insert", sobject, values)
    assert saved.error is None, saved.error
    assert saved.created
    assert saved.id is not None
    return saved.id


def refusal(org: PracticeOrg, op: Any, sobject: str, record: dict[str, Any], **more: Any) -> ApiError:
    (saved,) = save(org, op, sobject, record, **more)
    assert saved.error is not None
    return saved.error


def row(org: PracticeOrg, sobject: str, record_id: str) -> dict[str, Any]:
    (found,) = [r for r in org.dump(sobject) if r["Id"] == record_id]
    return found


def lead(org: PracticeOrg, **values: Any) -> str:
    return create(org, "Lead", **{"LastName": "Doe", "Company": "Acme", **values})


def test_create_fills_name_status_owner_and_audit_fields(org: PracticeOrg) -> None:
    made = row(org, "Lead", lead(org, FirstName="Ann", Salutation="Dr."))
    stamp = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert made["Name"] == "Ann Doe"
    assert made["Status"] == "Open - Not Contacted"
    assert made["OwnerId"] == made["CreatedById"] == made["LastModifiedById"] == org.user_id
    assert made["CreatedDate"] == made["LastModifiedDate"] == made["SystemModstamp"] == stamp
    assert made["IsConverted"] is False
    assert made["MasterRecordId"] is None


def test_update_moves_the_stamps_and_leaves_what_was_not_sent(org: PracticeOrg) -> None:
    record_id = lead(org, City="Bonn", Phone="1")
    org.clock.advance(90)
    (saved,) = save(org, "update", "Lead", {"Id": record_id[:15], "City": None, "Title": ""})
    assert (saved.id, saved.created, saved.error) == (record_id, False, None)
    now = row(org, "Lead", record_id)
    assert (now["City"], now["Title"], now["Phone"]) == (None, None, "1")
    assert now["SystemModstamp"] == now["LastModifiedDate"] == datetime(2026, 3, 10, 12, 1, 30, tzinfo=UTC)
    assert now["CreatedDate"] == datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_update_with_the_same_values_still_moves_the_stamp(org: PracticeOrg) -> None:
    record_id = lead(org)
    org.clock.advance(5)
    save(org, "update", "Lead", {"Id": record_id, "LastName": "Doe"})
    assert row(org, "Lead", record_id)["SystemModstamp"].second == 5


@pytest.mark.parametrize(
    ("record", "code", "message", "fields"),
    [
        ({"Company": "A"}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]),
        (
            {"Company": "A", "LastName": "  "},
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            ["LastName"],
        ),
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName, Company]", ["LastName", "Company"]),
        ({"Compny": "A"}, "INVALID_FIELD", "No such column 'Compny' on sobject of type Lead", []),
        (
            {"PostalCode": "1" * 21},
            "STRING_TOO_LONG",
            f"Zip/Postal Code: data value too large: {'1' * 21} (max length=20)",
            ["PostalCode"],
        ),
        ({"Email": "a@b"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: a@b", ["Email"]),
        (
            {"CleanStatus": "Nope"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Clean Status: bad value for restricted picklist field: Nope",
            ["CleanStatus"],
        ),
        ({"OwnerId": "00Q"}, "MALFORMED_ID", "Owner ID: id value of incorrect type: 00Q", ["OwnerId"]),
        (
            {"OwnerId": "005000000000001AAZ"},
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type: 005000000000001AAZ",
            ["OwnerId"],
        ),
        (
            {"OwnerId": "001000000000001AAA"},
            "FIELD_INTEGRITY_EXCEPTION",
            "Owner ID: id value of incorrect type: 001000000000001AAA",
            ["OwnerId"],
        ),
        ({"OwnerId": "005000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["OwnerId"]),
        (
            {"AnnualRevenue": 10**18},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Annual Revenue: value outside of valid range on numeric field: 1000000000000000000",
            ["AnnualRevenue"],
        ),
        (
            {"NumberOfEmployees": 100_000_000},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 100000000",
            ["NumberOfEmployees"],
        ),
        (
            {"Title": "a\x00b"},
            "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
            "Title: text data outside of the supported character set",
            ["Title"],
        ),
        (
            {"DoNotCall": None},
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Do Not Call: value not of required type: ",
            ["DoNotCall"],
        ),
    ],
)
def test_create_refuses_in_the_words_of_salesforce(
    org: PracticeOrg, record: dict[str, Any], code: str, message: str, fields: list[str]
) -> None:
    given = (
        record if {"Company", "LastName"} & set(record) or not record else {"LastName": "D", "Company": "A", **record}
    )
    error = refusal(org, "insert", "Lead", given)
    assert (error.status, error.code, error.message, error.fields) == (400, code, message, fields)
    assert list(org.dump("Lead")) == []


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("LastName", 5, "string"),
        ("Title", ["x"], "string"),
        ("AnnualRevenue", "many", "currency"),
        ("AnnualRevenue", True, "currency"),
        ("AnnualRevenue", float("nan"), "currency"),
        ("NumberOfEmployees", 1.5, "int"),
        ("DoNotCall", "yes", "boolean"),
        ("EmailBouncedDate", "2026-01-01", "datetime"),
        ("EmailBouncedDate", "2026-01-01T10:00:00", "datetime"),
    ],
)
def test_create_refuses_values_of_the_wrong_kind(org: PracticeOrg, field: str, value: Any, kind: str) -> None:
    error = refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", field: value})
    assert error.code == "JSON_PARSER_ERROR"
    assert error.message.startswith(f"Cannot deserialize instance of {kind} from ")


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("AnnualRevenue", 99.99, Decimal(99)),
        ("AnnualRevenue", "-99.99", Decimal(-99)),
        ("AnnualRevenue", 999_999_999_999_999_999, Decimal(999_999_999_999_999_999)),
        ("Latitude", Decimal("50.1234567890123456"), Decimal("50.123456789012345")),
        ("NumberOfEmployees", "10000", 10_000),
        ("NumberOfEmployees", 7.0, 7),
        ("DoNotCall", "true", True),
        ("Status", "Never heard of", "Never heard of"),
        ("Product_Interest__c", "Training;Hardware", "Training;Hardware"),
        ("Description", " \u2028 \t'\"\\\r\n#N/A 😀 null ", " \u2028 \t'\"\\\r\n#N/A 😀 null "),
        ("PostalCode", "00123", "00123"),
        ("Email", "o'neil+x@sub.example.co.uk", "o'neil+x@sub.example.co.uk"),
    ],
)
def test_values_are_stored_exactly(org: PracticeOrg, field: str, value: Any, stored: Any) -> None:
    assert row(org, "Lead", lead(org, **{field: value}))[field] == stored


def test_datetimes_are_kept_in_utc_and_whole_seconds(org: PracticeOrg) -> None:
    start = "2026-02-01T10:00:00.999+0200"
    made = row(org, "Event", create(org, "Event", StartDateTime=start, DurationInMinutes=90))
    assert made["StartDateTime"] == made["ActivityDateTime"] == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert made["EndDateTime"] == datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
    assert made["ActivityDate"] == date(2026, 2, 1)


def test_read_only_fields_are_refused(org: PracticeOrg) -> None:
    error = refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "Name": "D", "CreatedDate": None})
    assert error.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error.fields == ["Name", "CreatedDate"]
    record_id = lead(org)
    assert refusal(org, "update", "Lead", {"Id": record_id, "IsConverted": True}).fields == ["IsConverted"]
    assert refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "IsConverted": True}).fields == [
        "IsConverted"
    ]


def test_update_cannot_empty_a_required_field(org: PracticeOrg) -> None:
    error = refusal(org, "update", "Lead", {"Id": lead(org), "Status": None})
    assert (error.code, error.fields) == ("REQUIRED_FIELD_MISSING", ["Status"])


def test_one_bad_record_does_not_stop_the_others(org: PracticeOrg) -> None:
    saved = save(
        org, "insert", "Lead", {"LastName": "A", "Company": "A"}, {"LastName": "B"}, {"LastName": "C", "Company": "A"}
    )
    assert [s.success for s in saved] == [True, False, True]
    assert [r["LastName"] for r in org.dump("Lead")] == ["A", "C"]
    assert saved[1].id is None


def test_all_or_none_writes_nothing_when_one_fails(org: PracticeOrg) -> None:
    records = [{"LastName": "A", "Company": "A"}, {"LastName": "B"}]
    saved = save(org, "insert", "Lead", *records, all_or_none=True)
    assert [s.error.code for s in saved if s.error] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert list(org.dump("Lead")) == []


def test_transaction_takes_back_every_save_inside(org: PracticeOrg) -> None:
    def two_saves_then_failure() -> None:
        with org.transaction():
            first = lead(org)
            assert org.query("SELECT Id FROM Lead", org.caller()).records(0, 9)[0]["Id"] == first
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        two_saves_then_failure()
    assert list(org.dump("Lead")) == []


def test_update_of_what_is_not_there(org: PracticeOrg) -> None:
    unknown = refusal(org, "update", "Lead", {"Id": "00Q000000000001", "City": "x"})
    assert (unknown.status, unknown.code) == (404, "NOT_FOUND")
    assert unknown.row_error()["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    other = refusal(org, "update", "Lead", {"Id": org.user_id, "City": "x"})
    assert (other.code, other.message) == ("MALFORMED_ID", f"Lead ID: id value of incorrect type: {org.user_id}")
    assert refusal(org, "update", "Lead", {"City": "x"}).code == "MISSING_ARGUMENT"
    record_id = lead(org)
    save(org, "delete", "Lead", {"Id": record_id})
    gone = refusal(org, "update", "Lead", {"Id": record_id, "City": "x"})
    assert (gone.status, gone.code, gone.message) == (404, "ENTITY_IS_DELETED", "entity is deleted")


def test_same_id_twice_in_one_update_is_refused_the_second_time(org: PracticeOrg) -> None:
    record_id = lead(org)
    saved = save(org, "update", "Lead", {"Id": record_id, "City": "A"}, {"Id": record_id[:15], "City": "B"})
    assert saved[0].error is None
    assert saved[1].error is not None
    assert saved[1].error.code == "DUPLICATE_VALUE"
    assert row(org, "Lead", record_id)["City"] == "A"


def test_upsert_creates_then_updates_by_external_id_in_any_case(org: PracticeOrg) -> None:
    given = {"LastName": "D", "Company": "A", "External_Id__c": "Key-1"}
    (first,) = save(org, "upsert", "Lead", given, external_id="External_Id__c")
    (second,) = save(org, "upsert", "Lead", {"External_Id__c": "KEY-1", "City": "Ulm"}, external_id="external_id__c")
    assert first.created
    assert (second.id, second.created) == (first.id, False)
    assert [r["City"] for r in org.dump("Lead")] == ["Ulm"]


def test_upsert_refuses_a_key_given_twice_missing_or_ambiguous(org: PracticeOrg) -> None:
    ids = sorted([lead(org, Email="a@b.de"), lead(org, Email="A@B.de")])
    error = refusal(org, "upsert", "Lead", {"Email": "a@B.de", "City": "x"}, external_id="Email")
    assert (error.status, error.code) == (300, "DUPLICATE_EXTERNAL_ID")
    assert error.body() == [f"/services/data/v66.0/sobjects/Lead/{i}" for i in ids]
    assert refusal(org, "upsert", "Lead", {"City": "x"}, external_id="Email").code == "MISSING_ARGUMENT"
    twice = [{"External_Id__c": "k", "LastName": n, "Company": "A"} for n in ("a", "b")]
    saved = save(org, "upsert", "Lead", *twice, external_id="External_Id__c")
    assert [s.error.code if s.error else None for s in saved] == [None, "DUPLICATE_VALUE"]


def test_upsert_by_an_unknown_key_field_is_refused_as_a_whole(org: PracticeOrg) -> None:
    with pytest.raises(ApiError) as caught:
        save(org, "upsert", "Lead", {"City": "x"}, external_id="City")
    assert caught.value.body() == [
        {
            "message": "Provided external ID field does not exist or is not accessible: City",
            "errorCode": "NOT_FOUND",
        }
    ]


def test_unique_external_id_is_kept_unique(org: PracticeOrg) -> None:
    holder = lead(org, External_Id__c="k")
    error = refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "External_Id__c": "K"})
    assert error.code == "DUPLICATE_VALUE"
    assert error.message == f"duplicate value found: External_Id__c duplicates value on record with id: {holder[:15]}"
    other = lead(org, External_Id__c="l")
    swap = [{"Id": holder, "External_Id__c": "l"}, {"Id": other, "External_Id__c": "k"}]
    assert [s.error for s in save(org, "update", "Lead", *swap)] == [None, None]


def test_parent_by_external_id(org: PracticeOrg) -> None:
    account = create(org, "Account", Name="Acme", External_Id__c="A-1")
    nested = create(org, "Contact", LastName="N", Account={"External_Id__c": "a-1"})
    dotted = create(org, "Contact", **{"LastName": "D", "Account.External_Id__c": "A-1"})
    assert [row(org, "Contact", i)["AccountId"] for i in (nested, dotted)] == [account, account]
    error = refusal(org, "insert", "Contact", {"LastName": "D", "Account": {"External_Id__c": "zz"}})
    assert error.code == "INVALID_FIELD"
    assert error.message == "Foreign key external ID: zz not found for field External_Id__c in entity Account"


def test_polymorphic_parent_by_key_needs_its_type(org: PracticeOrg) -> None:
    key = {"Username": "integration@practice.example"}
    typed = create(org, "Lead", LastName="D", Company="A", Owner={"attributes": {"type": "User"}, **key})
    assert row(org, "Lead", typed)["OwnerId"] == org.user_id
    headed = create(org, "Lead", **{"LastName": "D", "Company": "A", "User:Owner.Username": key["Username"]})
    assert row(org, "Lead", headed)["OwnerId"] == org.user_id
    assert refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "Owner": key}).code == "INVALID_FIELD"


def test_inactive_owner_and_foreign_queue_are_refused(org: PracticeOrg) -> None:
    user = {"LastName": "U", "Username": "u@x.org", "Email": "u@x.org", "Alias": "u", "CommunityNickname": "u"}
    keys = {"TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US"}
    profile = next(org.dump("Profile"))["Id"]
    inactive = create(org, "User", **user, **keys, ProfileId=profile, IsActive=False)
    error = refusal(org, "insert", "Account", {"Name": "A", "OwnerId": inactive})
    assert error.code == "INACTIVE_OWNER_OR_USER"
    assert error.message == f"operation performed with inactive user [{inactive[:15]}] as owner of account"
    queue = create(org, "Group", Name="Inbound", Type="Queue")
    assert refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "OwnerId": queue}).fields == ["OwnerId"]
    create(org, "QueueSobject", QueueId=queue, SobjectType="Lead")
    assert row(org, "Lead", lead(org, OwnerId=queue))["OwnerId"] == queue


def test_record_type_must_be_an_active_one_of_the_object(org: PracticeOrg) -> None:
    kinds = {"Name": "T", "DeveloperName": "T", "SobjectType": "Opportunity"}
    wrong = create(org, "RecordType", **kinds, IsActive=True)
    assert refusal(org, "insert", "Lead", {"LastName": "D", "Company": "A", "RecordTypeId": wrong}).fields == [
        "RecordTypeId"
    ]
    right = create(org, "RecordType", **{**kinds, "SobjectType": "Lead", "IsActive": True})
    assert row(org, "Lead", lead(org, RecordTypeId=right))["RecordTypeId"] == right


def test_lookup_to_a_deleted_record_is_refused(org: PracticeOrg) -> None:
    account = create(org, "Account", Name="A")
    save(org, "delete", "Account", {"Id": account})
    error = refusal(org, "insert", "Contact", {"LastName": "D", "AccountId": account})
    assert (error.status, error.code, error.fields) == (400, "ENTITY_IS_DELETED", ["AccountId"])


def test_hierarchies_cannot_become_loops(org: PracticeOrg) -> None:
    top = create(org, "Account", Name="top")
    middle = create(org, "Account", Name="middle", ParentId=top)
    low = create(org, "Account", Name="low", ParentId=middle)
    assert refusal(org, "update", "Account", {"Id": top, "ParentId": low}).code == "CIRCULAR_DEPENDENCY"
    assert refusal(org, "update", "Account", {"Id": top, "ParentId": top}).code == "CIRCULAR_DEPENDENCY"


def converted_lead(org: PracticeOrg) -> str:
    record_id = lead(org)
    cursor = org.cursor()
    cursor.execute('UPDATE "Lead" SET "IsConverted" = true WHERE "Id" = ?', [record_id])
    cursor.close()
    return record_id


def test_converted_lead_is_locked_and_no_task_can_point_at_it(org: PracticeOrg) -> None:
    record_id = converted_lead(org)
    for error in (
        refusal(org, "update", "Lead", {"Id": record_id, "City": "x"}),
        refusal(org, "insert", "Task", {"WhoId": record_id}),
    ):
        assert (error.code, error.message) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def test_lead_history_keeps_status_and_owner_changes(org: PracticeOrg) -> None:
    record_id = lead(org)
    queue = create(org, "Group", Name="Q", Type="Queue")
    create(org, "QueueSobject", QueueId=queue, SobjectType="Lead")
    save(org, "update", "Lead", {"Id": record_id, "Status": "Working - Contacted", "OwnerId": queue, "City": "x"})
    history = [(h["LeadId"], h["Field"], h["OldValue"], h["NewValue"]) for h in org.dump("LeadHistory")]
    assert history == [
        (record_id, "Status", "Open - Not Contacted", "Working - Contacted"),
        (record_id, "Owner", org.user_id, queue),
    ]


def test_assignment_rule_takes_the_owner_unless_the_caller_says_no(org: PracticeOrg) -> None:
    queue = create(org, "Group", Name="Q", Type="Queue")
    org.assign_leads_to = queue
    assert row(org, "Lead", lead(org))["OwnerId"] == queue
    quiet = Caller(org.user_id, auto_assign=False)
    (saved,) = org.save("insert", "Lead", [{"LastName": "D", "Company": "A"}], quiet)
    assert row(org, "Lead", saved.id or "")["OwnerId"] == org.user_id


def test_master_data_cannot_be_written(org: PracticeOrg) -> None:
    error = refusal(org, "insert", "LeadStatus", {"MasterLabel": "x"})
    assert (error.code, error.message) == (
        "INVALID_TYPE_FOR_OPERATION",
        "entity type LeadStatus does not support create",
    )
    status = next(org.dump("LeadStatus"))["Id"]
    assert refusal(org, "update", "LeadStatus", {"Id": status}).code == "INVALID_TYPE_FOR_OPERATION"
    assert refusal(org, "delete", "LeadStatus", {"Id": status}).code == "INVALID_TYPE_FOR_OPERATION"


def test_unknown_object_is_not_found(org: PracticeOrg) -> None:
    with pytest.raises(ApiError) as caught:
        save(org, "insert", "Leed", {})
    assert caught.value.status == 404


def test_task_status_and_dates_reach_its_parents(org: PracticeOrg) -> None:
    account = create(org, "Account", Name="A")
    person = create(org, "Contact", LastName="C", AccountId=account)
    task = create(org, "Task", WhoId=person, ActivityDate="2026-03-01", Subject="Call", Priority="High")
    made = row(org, "Task", task)
    assert (made["Status"], made["IsClosed"], made["IsHighPriority"], made["AccountId"]) == (
        "Not Started",
        False,
        True,
        account,
    )
    assert row(org, "Contact", person)["LastActivityDate"] is None
    save(org, "update", "Task", {"Id": task, "Status": "Completed"})
    assert row(org, "Task", task)["CompletedDateTime"] is not None
    assert row(org, "Contact", person)["LastActivityDate"] == date(2026, 3, 1)


def test_campaign_member_is_a_lead_or_a_contact(org: PracticeOrg) -> None:
    campaign = create(org, "Campaign", Name="C")
    assert refusal(org, "insert", "CampaignMember", {"CampaignId": campaign}).code == "REQUIRED_FIELD_MISSING"
    member = create(org, "CampaignMember", CampaignId=campaign, LeadId=lead(org), Status="Responded")
    assert row(org, "CampaignMember", member)["HasResponded"] is True


def test_duplicate_rule_alerts_or_blocks(org: PracticeOrg) -> None:
    org.duplicate_rules.append(DuplicateRule("Standard_Lead_Duplicate_Rule", "Lead", ("Email",)))
    first = lead(org, Email="a@b.de")
    again = {"LastName": "D", "Company": "A", "Email": "A@b.de"}
    error = refusal(org, "insert", "Lead", again)
    assert (error.status, error.code) == (400, "DUPLICATES_DETECTED")
    detail = error.body()[0]["duplicateResut"]
    assert detail["allowSave"] is True
    assert detail["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    insistent = Caller(org.user_id, allow_duplicates=True)
    assert org.save("insert", "Lead", [again], insistent)[0].error is None
    org.duplicate_rules[:] = [DuplicateRule("Strict", "Lead", ("Email",), block=True)]
    assert org.save("insert", "Lead", [again], insistent)[0].error is not None
    assert lead(org, Email=None)


def test_ten_thousand_records_are_saved_in_order(org: PracticeOrg) -> None:
    records = [{"LastName": f"L{i}", "Company": "A", "External_Id__c": f"K{i}"} for i in range(10_000)]
    saved = save(org, "insert", "Lead", *records)
    again = save(org, "upsert", "Lead", *records[::-1], external_id="External_Id__c")
    assert [s.id for s in again] == [s.id for s in saved][::-1]
    assert len({s.id for s in saved}) == 10_000
    assert [r["LastName"] for r in org.dump("Lead")] == [r["LastName"] for r in records]
