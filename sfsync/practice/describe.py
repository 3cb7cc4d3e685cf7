"""The bodies of the describe calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.practice.schema import Child, Field, Schema, SObject

MASTER_RECORD_TYPE = "012000000000000AAA"
_SOAP = {
    **{"id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "long": "xsd:long"},
    **{"currency": "xsd:double", "percent": "xsd:double", "double": "xsd:double", "date": "xsd:date"},
    **{"datetime": "xsd:dateTime", "time": "xsd:time", "address": "urn:address", "location": "urn:location"},
    **{"anyType": "xsd:anyType", "base64": "xsd:base64Binary"},
}
_NOT_PREFILTERED = ("OwnerId", "CreatedById", "LastModifiedById", "MasterRecordId", "RecordTypeId", "ContactId")
_SCOPES = {
    "Lead": ("leads", ("mine", "queue_owned", "scopingRule", "team", "user_owned")),
    "Account": ("accounts", ("mine", "scopingRule", "team")),
    "Contact": ("contacts", ("mine", "scopingRule", "team")),
    "Opportunity": ("opportunities", ("mine", "scopingRule", "team")),
}
_SCOPE_LABELS = {
    "mine": "My {0}",
    "queue_owned": "Queue owned {0}",
    "scopingRule": "Filter by scope",
    "team": "My team's {0}",
    "user_owned": "User owned {0}",
}


def global_describe(schema: Schema, version: float) -> dict[str, Any]:
    """GET .../sobjects: every object, by name, with its flags and addresses of API version `version`."""
    objects = [{**_flags(obj), "urls": _urls(obj, version)} for _, obj in sorted(schema.sobjects.items())]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def sobject_describe(
    schema: Schema, obj: SObject, version: float, record_types: Sequence[Mapping[str, Any]], host: str = ""
) -> dict[str, Any]:
    """GET .../sobjects/X/describe. `record_types`: rows of RecordType for this object. `host` starts the UI's urls."""
    return {
        "actionOverrides": [],
        **_flags(obj),
        "childRelationships": [_child(c) for c in schema.children(obj.name) if _visible(schema, c)],
        "compactLayoutable": _everyday(obj),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [_field(f, _cascades(schema, obj, f)) for f in obj.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(obj, version, record_types),
        "searchLayoutable": _everyday(obj),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": _scopes(obj),
        "urls": _urls(obj, version) | _ui_urls(obj, host),
    }


def _everyday(obj: SObject) -> bool:
    """Objects people work with: layouts, search, triggers. The rest is set-up or history."""
    return obj.createable and obj.bulk and obj.name != "QueueSobject"


def _flags(obj: SObject) -> dict[str, Any]:
    everyday = _everyday(obj)
    history = obj.name.endswith("History")
    return {
        "activateable": False,
        "associateEntityType": "History" if history else None,
        "associateParentEntity": obj.name.removesuffix("History").removesuffix("Field") if history else None,
        "createable": obj.createable,
        "custom": obj.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": obj.name in ("Opportunity", "Campaign"),
        "deletable": obj.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": obj.name in ("Account", "Contact", "Lead", "Opportunity", "User", "Task", "Event"),
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": obj.prefix,
        "label": obj.label,
        "labelPlural": obj.plural,
        "layoutable": everyday,
        "mergeable": obj.mergeable,
        "mruEnabled": everyday and obj.undeletable,
        "name": obj.name,
        "queryable": obj.queryable,
        "replicateable": obj.replicateable,
        "retrieveable": obj.queryable,
        "searchable": everyday,
        "triggerable": everyday,
        "undeletable": obj.undeletable,
        "updateable": obj.updateable,
    }


def _urls(obj: SObject, version: float) -> dict[str, str]:
    base = f"/services/data/v{version:.1f}/sobjects/{obj.name}"
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if _everyday(obj):
        urls |= {"compactLayouts": f"{base}/describe/compactLayouts", "layouts": f"{base}/describe/layouts"}
    if obj.undeletable:
        urls |= {"approvalLayouts": f"{base}/describe/approvalLayouts", "quickActions": f"{base}/quickActions"}
        urls |= {"listviews": f"{base}/listviews"}
    return urls


def _ui_urls(obj: SObject, host: str) -> dict[str, str]:
    if not _everyday(obj):
        return {}
    return {
        "uiDetailTemplate": f"{host}/{{ID}}",
        "uiEditTemplate": f"{host}/{{ID}}/e",
        "uiNewRecord": f"{host}/{obj.prefix}/e",
    }


def _visible(schema: Schema, child: Child) -> bool:
    obj = schema.sobjects.get(child.sobject)
    return obj is not None and child.field in obj.fields


def _child(child: Child) -> dict[str, Any]:
    return {
        "cascadeDelete": child.cascade,
        "childSObject": child.sobject,
        "deprecatedAndHidden": False,
        "field": child.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.relationship,
        "restrictedDelete": child.restricted,
    }


def _scopes(obj: SObject) -> list[dict[str, str]]:
    words, names = _SCOPES.get(obj.name, (obj.plural.lower(), ()))
    scopes = [{"label": f"All {words}", "name": "everything"}]
    return scopes + [{"label": _SCOPE_LABELS[n].format(words), "name": n} for n in names]


def _record_types(obj: SObject, version: float, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    layouts = f"/services/data/v{version:.1f}/sobjects/{obj.name}/describe/layouts"
    infos = [
        {
            "active": row["IsActive"],
            "available": row["IsActive"],
            "defaultRecordTypeMapping": False,
            "developerName": row["DeveloperName"],
            "master": False,
            "name": row["Name"],
            "recordTypeId": row["Id"],
            "urls": {"layout": f"{layouts}/{row['Id']}"},
        }
        for row in rows
    ]
    master = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": f"{layouts}/{MASTER_RECORD_TYPE}"},
    }
    return [*infos, master]


def picklist_values(
    obj: SObject, record_type: str, narrowed: Mapping[tuple[str, str], Sequence[str]]
) -> dict[str, Any]:
    """The body of the UI API's picklist-values of one record type: active values, of narrowed fields only the named."""
    fields: dict[str, Any] = {}
    for field in obj.fields.values():
        if field.type not in ("picklist", "multipicklist"):
            continue
        named = narrowed.get((record_type, field.name))
        values = [v for v in field.values if v.active and (named is None or v.value in named)]
        fields[field.name] = {
            "controllerValues": {},
            "defaultValue": None,
            "values": [{"attributes": None, "label": v.label, "validFor": [], "value": v.value} for v in values],
        }
    return {"picklistFieldValues": fields}


def _cascades(schema: Schema, obj: SObject, field: Field) -> bool:
    """Salesforce sets a field's own cascadeDelete for master-detail fields only, which no standard object here has."""
    parents = (c for p in field.refers for c in schema.children(p) if (c.sobject, c.field) == (obj.name, field.name))
    return field.custom and any(c.cascade for c in parents)


def _field(field: Field, cascade: bool) -> dict[str, Any]:
    integer = field.type in ("int", "long")
    return {
        "aggregatable": field.filterable,
        "aiPredictionField": False,
        "autoNumber": field.name == "Name" and field.defaulted and field.name_field,
        "byteLength": field.length if field.type in ("id", "reference") else 3 * field.length,
        "calculated": field.calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": cascade,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.precision if integer else 0,
        "displayLocationInDecimal": False,
        "encrypted": field.type == "encryptedstring",
        "externalId": field.external_id,
        "extraTypeInfo": _extra(field),
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "permissionable": field.nillable and (field.createable or field.updateable),
        "picklistValues": _picklist(field),
        "polymorphicForeignKey": field.polymorphic,
        "precision": 0 if integer else field.precision,
        "queryByDistance": field.type in ("address", "location"),
        "referenceTargetField": None,
        "referenceTo": list(field.refers),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference" and field.name not in _NOT_PREFILTERED,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }


def _picklist(field: Field) -> list[dict[str, Any]]:
    return [
        {"active": v.active, "defaultValue": v.default, "label": v.label, "validFor": None, "value": v.value}
        for v in field.values
    ]


def _extra(field: Field) -> str | None:
    if field.name == "PhotoUrl":
        return "imageurl"
    if field.type == "textarea":
        return "plaintextarea"
    if field.compound == "Name":
        return "personname" if field.name != "Name" else "switchablepersonname"
    return "personname" if field.label == "Full Name" else None
