"""The describe bodies: whole, consistent with themselves and with the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sfsync.practice.notation import field
from sfsync.practice.org import ApiError, PracticeOrg
from sfsync.practice.tables import standard_schema

FIELD_KEYS = set(
    """aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete caseSensitive
    compoundFieldName controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate
    dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted externalId extraTypeInfo filterable
    filteredLookupInfo formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText
    label length mask maskType name nameField namePointing nillable permissionable picklistValues polymorphicForeignKey
    precision queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete
    restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable
    writeRequiresMasterRead""".split()
)


@pytest.fixture
def org() -> Iterator[PracticeOrg]:
    with PracticeOrg() as made:
        yield made


def described(org: PracticeOrg, sobject: str) -> dict[str, dict[str, Any]]:
    return {f["name"]: f for f in org.describe(sobject, 66.0)["fields"]}


def test_every_object_describes_itself_as_json(org: PracticeOrg) -> None:
    everything = org.describe_global(61.0)
    assert (everything["encoding"], everything["maxBatchSize"]) == ("UTF-8", 200)
    assert [s["name"] for s in everything["sobjects"]] == sorted(org.schema.sobjects)
    for summary in everything["sobjects"]:
        whole = org.describe(summary["name"], 61.0)
        json.dumps(whole)
        assert {k: whole[k] for k in summary if k != "urls"} == {k: v for k, v in summary.items() if k != "urls"}
        assert all(f.keys() == FIELD_KEYS for f in whole["fields"])
        assert summary["urls"]["describe"] == f"/services/data/v61.0/sobjects/{summary['name']}/describe"
        assert [f["name"] for f in whole["fields"] if f["type"] == "id"] == ["Id"]
        assert sum(f["nameField"] for f in whole["fields"]) <= 1


def test_relationships_point_both_ways(org: PracticeOrg) -> None:
    for parent in org.schema.sobjects:
        for child in org.describe(parent, 66.0)["childRelationships"]:
            assert parent in described(org, child["childSObject"])[child["field"]]["referenceTo"]
    contacts = org.schema.child("account", "contacts")
    assert contacts is not None
    assert (contacts.sobject, contacts.field, contacts.cascade) == ("Contact", "AccountId", True)
    assert org.schema.child("Account", "Nope") is None


@pytest.mark.parametrize(
    ("sobject", "name", "facts"),
    [
        (
            "Lead",
            "LastName",
            {"type": "string", "length": 80, "byteLength": 240, "nillable": False, "createable": True},
        ),
        ("Lead", "Name", {"length": 121, "createable": False, "nameField": True, "extraTypeInfo": "personname"}),
        ("Lead", "Status", {"restrictedPicklist": False, "defaultedOnCreate": True, "nillable": False}),
        ("Lead", "OwnerId", {"referenceTo": ["Group", "User"], "polymorphicForeignKey": True, "soapType": "tns:ID"}),
        ("Lead", "Description", {"length": 32000, "filterable": False, "sortable": False, "groupable": False}),
        ("Lead", "Email", {"type": "email", "idLookup": True, "externalId": False, "unique": False}),
        ("Lead", "External_Id__c", {"externalId": True, "unique": True, "custom": True, "idLookup": True}),
        ("Lead", "Product_Interest__c", {"type": "multipicklist", "sortable": False, "restrictedPicklist": True}),
        ("Lead", "Address", {"type": "address", "createable": False, "soapType": "urn:address"}),
        ("Lead", "IsConverted", {"createable": True, "updateable": False, "defaultValue": False}),
        ("Account", "AnnualRevenue", {"type": "currency", "precision": 18, "scale": 0, "soapType": "xsd:double"}),
        ("Account", "NumberOfEmployees", {"type": "int", "digits": 8, "precision": 0}),
        ("Contact", "OwnerId", {"referenceTo": ["User"], "polymorphicForeignKey": False}),
        ("Opportunity", "Name", {"length": 120, "idLookup": True}),
        ("Opportunity", "ContactId", {"createable": True, "updateable": False, "relationshipName": None}),
        ("Opportunity", "ForecastCategoryName", {"restrictedPicklist": True, "updateable": True}),
        ("Opportunity", "Weighted_Amount__c", {"calculated": True, "createable": False, "updateable": False}),
    ],
)
def test_fields_are_described_as_the_platform_does(
    org: PracticeOrg, sobject: str, name: str, facts: dict[str, Any]
) -> None:
    found = described(org, sobject)[name]
    assert {key: found[key] for key in facts} == facts


def test_only_three_objects_can_be_merged(org: PracticeOrg) -> None:
    mergeable = [s["name"] for s in org.describe_global(66.0)["sobjects"] if s["mergeable"]]
    assert mergeable == ["Account", "Contact", "Lead"]


def test_record_types_stand_beside_the_master(org: PracticeOrg) -> None:
    (master,) = org.describe("Lead", 66.0)["recordTypeInfos"]
    assert (master["recordTypeId"], master["master"]) == ("012000000000000AAA", True)
    kind = {"Name": "Inbound", "DeveloperName": "Inbound", "SobjectType": "Lead", "IsActive": True}
    (saved,) = org.save("insert", "RecordType", [kind], org.caller())
    infos = org.describe("Lead", 66.0)["recordTypeInfos"]
    assert [(i["recordTypeId"], i["master"]) for i in infos] == [(saved.id, False), ("012000000000000AAA", True)]
    assert len(org.describe("Contact", 66.0)["recordTypeInfos"]) == 1


def test_describe_in_any_case_or_not_found(org: PracticeOrg) -> None:
    assert org.describe("lEAD", 66.0)["name"] == "Lead"
    with pytest.raises(ApiError) as caught:
        org.describe("Nope", 66.0)
    assert caught.value.body() == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]


def test_each_org_has_a_schema_of_its_own() -> None:
    first, second = standard_schema(), standard_schema()
    first.hide("Lead", "Phone")
    assert "Phone" not in first.sobjects["Lead"].fields
    assert "Phone" in second.sobjects["Lead"].fields


def test_notation_reads_a_field() -> None:
    made = field('Deal_Size__c currency(16,2) required auto -> Account|Lead as Deal ; Deal size := "A" + 1')
    assert (made.type, made.precision, made.scale, made.label) == ("currency", 16, 2, "Deal size")
    assert (made.refers, made.relationship, made.formula) == (("Account", "Lead"), "Deal", '"A" + 1')
    assert made.custom
    assert not made.groupable


@pytest.mark.parametrize("line", ["", "Name", "Name string(80) wrong", "Name picklist in=Nope"])
def test_notation_refuses_what_it_cannot_read(line: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        field(line)
