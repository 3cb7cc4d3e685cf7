"""What is refused, with Salesforce's code, words and place."""

from __future__ import annotations

import pytest
from soql_small_org import NOW, lead_id, schema

from sfsync.practice.errors import ApiError
from sfsync.practice.soql import Options, compile_soql

SCHEMA = schema()


def refusal(soql: str, **options: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        compile_soql(soql, SCHEMA, Options(now=NOW, **options))  # type: ignore[arg-type]
    assert caught.value.status == 400
    return caught.value


def check(soql: str, code: str, reason: str, at: str | None = None, **options: object) -> None:
    """at: the text in the query where the column must point; its first occurrence."""
    error = refusal(soql, **options)
    assert error.code == code
    assert error.message.endswith(reason)
    if at is not None:
        column = len(soql) + 1 if at == "<EOF>" else soql.index(at) + 1
        assert f"ERROR at Row:1:Column:{column}\n" in error.message


def test_an_unknown_field_is_shown_in_its_place() -> None:
    error = refusal("SELECT Id, Compny FROM Lead")
    assert error.code == "INVALID_FIELD"
    assert error.message == (
        "\nSELECT Id, Compny FROM Lead\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'Compny' on entity 'Lead'. If you are attempting to use a custom field, be sure to append the "
        "'__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
    )


def test_an_unknown_object_is_shown_in_its_place() -> None:
    error = refusal("select count() from XYZZY")
    assert error.code == "INVALID_TYPE"
    assert error.message == (
        "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\nsObject type 'XYZZY' is not "
        "supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. "
        "Please reference your WSDL or the describe call for the appropriate names."
    )


def test_a_long_query_shows_an_excerpt_between_words() -> None:
    names = "Id, Name, Company, Status, IsConverted, CreatedDate, Compny, ConvertedDate, OwnerId, Description"
    soql = f"SELECT {names} FROM Lead"
    _, excerpt, caret, place, _ = refusal(soql).message.split("\n")
    assert excerpt == "Status, IsConverted, CreatedDate, Compny, ConvertedDate, OwnerId, Description"
    assert excerpt[caret.index("^") :].startswith("Compny")
    assert place == f"ERROR at Row:1:Column:{soql.index('Compny') + 1}"


def test_rows_are_counted() -> None:
    _, excerpt, caret, place, _ = refusal("SELECT Id,\n  Compny\nFROM Lead").message.split("\n")
    assert excerpt[caret.index("^") :] == "Compny"
    assert place == "ERROR at Row:2:Column:3"


def test_a_moment_without_a_zone_ends_too_early() -> None:
    soql = "SELECT Id FROM Opportunity WHERE DAY_ONLY(CloseDate) < 2016-07-31T04:17:54"
    check(soql.replace("DAY_ONLY(CloseDate)", "CloseDate"), "INVALID_FIELD", "should not be enclosed in quotes")
    late = "SELECT Id FROM Lead WHERE CreatedDate < 2016-07-31T04:17:54"
    check(late, "MALFORMED_QUERY", f"line 1:{len(late) + 1} no viable alternative at character '<EOF>'", "<EOF>")


@pytest.mark.parametrize(
    ("soql", "token", "at"),
    [
        ("SELECT FROM Lead", "FROM", "FROM"),
        ("SELECT Id, FROM Lead", "FROM", "FROM"),
        ("SELECT Id FROM", "<EOF>", "<EOF>"),
        ("SELECT Id FROM Lead WHERE Name = 'a' AND Company = 'b' OR Status = 'c'", "OR", "OR Status"),
        ("SELECT Id FROM Lead WHERE Name = 'O'Brien'", "Brien", "Brien"),
        ("SELECT Id FROM Lead WHERE Name = foo", "foo", "foo"),
        ("SELECT Id FROM Lead WHERE Name IN ()", ")", ")"),
        ("SELECT Id FROM Lead LIMIT ten", "ten", "ten"),
        ("SELECT Id FROM Lead LIMIT -1", "-1", "-1"),
        ("SELECT Id FROM Lead LIMIT 1.5", "1.5", "1.5"),
        ("SELECT * FROM Lead", None, "*"),
        ("SELECT Id FROM Lead ALL ROWS", "ROWS", "ROWS"),
        ("SELECT Id FROM Lead; DELETE", None, ";"),
        ("SELECT Id FROM Lead FOR UPDATE", "UPDATE", "UPDATE"),
        ("SELECT Id FROM Lead a.b", "a.b", "a.b"),
        ("SELECT COUNT(Id) a.b FROM Lead", "a.b", "a.b"),
        ("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_FORTNIGHTS:2", "LAST_N_FORTNIGHTS:2", "LAST_N"),
        ("DELETE FROM Lead", "DELETE", "DELETE"),
        ("", "<EOF>", "<EOF>"),
    ],
)
def test_syntax_errors_name_the_token(soql: str, token: str | None, at: str) -> None:
    character = f"no viable alternative at character '{at}'"
    check(soql, "MALFORMED_QUERY", character if token is None else f"unexpected token: '{token}'", at)


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        (r"'a\qb'", r"Invalid string literal 'a\qb'. Illegal character sequence '\q' in string literal."),
        (r"'50\%'", r"Invalid string literal '50\%'. Illegal character sequence '\%' in string literal."),
        (r"'\u12'", r"Illegal character sequence '\u' in string literal."),
        ("'open", "mismatched character '<EOF>' expecting '''"),
        ("'two\nlines'", "line breaks not allowed in string literals"),
        ("'" + "x" * 4001 + "'", "the most is 4000"),
    ],
)
def test_bad_string_literals(literal: str, reason: str) -> None:
    check(f"SELECT Id FROM Lead WHERE Name = {literal}", "MALFORMED_QUERY", reason)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("IsConverted = 'true'", "'IsConverted' must be of type boolean and should not be enclosed in quotes"),
        (
            "CreatedDate > '2026-01-01T00:00:00Z'",
            "'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        ("CreatedDate > 2026-01-01", "'CreatedDate' must be of type dateTime and should not be enclosed in quotes"),
        ("ConvertedDate = '2026-01-01'", "'ConvertedDate' must be of type date and should not be enclosed in quotes"),
        (
            "ConvertedDate = 2026-01-01T00:00:00Z",
            "'ConvertedDate' must be of type date and should not be enclosed in quotes",
        ),
        ("NumberOfEmployees = '5'", "'NumberOfEmployees' must be of type int and should not be enclosed in quotes"),
        ("NumberOfEmployees = 5.5", "'NumberOfEmployees' must be of type int and should not be enclosed in quotes"),
        (
            "NumberOfEmployees IN (5, TODAY)",
            "'NumberOfEmployees' must be of type int and should not be enclosed in quotes",
        ),
        ("Name = 5", "'Name' must be of type string and should be enclosed in quotes"),
        ("Name = true", "'Name' must be of type string and should be enclosed in quotes"),
        ("Name LIKE 5", "'Name' must be of type string and should be enclosed in quotes"),
        ("OwnerId = 5", "'OwnerId' must be of type string and should be enclosed in quotes"),
        ("Owner.IsActive = 1", "'IsActive' must be of type boolean and should not be enclosed in quotes"),
    ],
)
def test_values_of_the_wrong_type(where: str, reason: str) -> None:
    field = where.split()[0]
    check(f"SELECT Id FROM Lead WHERE {where}", "INVALID_FIELD", f"value of filter criterion for field {reason}", field)


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("Id LIKE '00Q%'", "id"),
        ("CreatedDate LIKE '2026%'", "dateTime"),
        ("NumberOfEmployees LIKE '1%'", "int"),
        ("IsConverted > false", "boolean"),
        ("Interests__c IN ('A')", "multipicklist"),
        ("Interests__c LIKE 'A%'", "multipicklist"),
        ("Interests__c > 'A'", "multipicklist"),
        ("Status INCLUDES ('Open')", "picklist"),
        ("Name > null", "string"),
    ],
)
def test_operators_that_do_not_fit(where: str, kind: str) -> None:
    check(f"SELECT Id FROM Lead WHERE {where}", "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field")


@pytest.mark.parametrize("value", ["foo", "", "00Q5e0000000001AAB", lead_id(1) + "x"])
def test_bad_ids(value: str) -> None:
    check(f"SELECT Id FROM Lead WHERE Id = '{value}'", "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")


@pytest.mark.parametrize(
    ("soql", "code", "reason", "at"),
    [
        (
            "SELECT Foo.Name FROM Lead",
            "INVALID_FIELD",
            "Didn't understand relationship 'Foo' in field path. If you are attempting to use a custom relationship, "
            "be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the "
            "describe call for the appropriate names.",
            "Foo",
        ),
        ("SELECT ContactId, Contact.Name FROM Opportunity", "INVALID_FIELD", "names.", "Contact.Name"),
        ("SELECT Owner FROM Lead", "INVALID_FIELD", "names.", "Owner"),
        ("SELECT Owner.Amount FROM Lead", "INVALID_FIELD", "names.", "Owner.Amount"),
        ("SELECT Id, (SELECT Id FROM Cases) FROM Account", "INVALID_TYPE", "names.", "Cases"),
        ("SELECT Id, Name, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id", None),
        ("SELECT Id, FIELDS(ALL) FROM Lead LIMIT 1", "INVALID_FIELD", "duplicate field selected: Id", "FIELDS"),
        (
            "SELECT TYPEOF Owner WHEN User THEN Name END, Owner.Id FROM Lead",
            "INVALID_FIELD",
            "duplicate field selected: Owner",
            "Owner",
        ),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "must have a LIMIT of at most 200", "FIELDS"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 201", "MALFORMED_QUERY", "must have a LIMIT of at most 200", "FIELDS"),
        ("SELECT FIELDS(CUSTOM) FROM User LIMIT 1", "MALFORMED_QUERY", "no fields for FIELDS(CUSTOM)", "FIELDS"),
        ("SELECT toLabel(Status) FROM Lead", "MALFORMED_QUERY", "toLabel() is not supported here.", "toLabel"),
        ("SELECT FORMAT(Amount) FROM Opportunity", "MALFORMED_QUERY", "FORMAT() is not supported here.", "FORMAT"),
        ("SELECT Name n FROM Lead", "MALFORMED_QUERY", "only aggregate expressions use field aliasing", "n FROM"),
        ("SELECT Id FROM Lead USING SCOPE mine", "MALFORMED_QUERY", "'mine' is not supported here", "mine"),
        (
            "SELECT Id FROM Lead OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
            "2001",
        ),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = 1e30", "NUMBER_OUTSIDE_VALID_RANGE", "1e30", "NumberOf"),
        ("SELECT Id FROM Lead WHERE ConvertedDate = 2026-02-30", "MALFORMED_QUERY", "Invalid date: 2026-02-30", "2026"),
        ("SELECT Id FROM Lead WHERE ConvertedDate > 1600-01-01", "MALFORMED_QUERY", "Invalid date: 1600-01-01", "1600"),
    ],
)
def test_refusals(soql: str, code: str, reason: str, at: str | None) -> None:
    check(soql, code, reason, at)


@pytest.mark.parametrize(
    ("soql", "reason"),
    [
        ("SELECT Id FROM Lead WHERE Description = 'x'", "field 'Description' can not be filtered in a query call"),
        (
            "SELECT Id FROM Account WHERE BillingAddress = null",
            "field 'BillingAddress' can not be filtered in a query call",
        ),
        ("SELECT Id FROM Lead ORDER BY Description", "field 'Description' can not be sorted in a query call"),
        ("SELECT Id FROM Lead ORDER BY Interests__c", "field 'Interests__c' can not be sorted in a query call"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY Description", "field 'Description' can not be grouped in a query call"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY CreatedDate", "field 'CreatedDate' can not be grouped in a query call"),
    ],
)
def test_fields_that_cannot_be_filtered_sorted_or_grouped(soql: str, reason: str) -> None:
    check(soql, "INVALID_FIELD", reason)


@pytest.mark.parametrize(
    ("soql", "reason"),
    [
        ("SELECT Name, COUNT(Id) FROM Lead", "Field must be grouped or aggregated: Name"),
        ("SELECT Name, COUNT(Id) FROM Lead GROUP BY Company", "Field must be grouped or aggregated: Name"),
        ("SELECT COUNT(Id) FROM Lead ORDER BY Name", "Ordered field must be grouped or aggregated: Name"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY Name HAVING Company = 'x'", "must be grouped or aggregated: Company"),
        ("SELECT SUM(Name) FROM Lead", "field Name does not support aggregate operator SUM"),
        ("SELECT MAX(IsConverted) FROM Lead", "field IsConverted does not support aggregate operator MAX"),
        ("SELECT COUNT(Id) n, SUM(NumberOfEmployees) n FROM Lead", "duplicate alias: n"),
        ("SELECT COUNT(Id) FROM Lead LIMIT 1", "cannot also use LIMIT"),
        ("SELECT COUNT() FROM Lead ORDER BY Name", "COUNT() cannot be used in a subquery or with ORDER BY"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY ROLLUP(Name)", "GROUP BY ROLLUP is not supported here"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY COUNT(Id)", "Grouped field should not be aggregated"),
        ("SELECT Id FROM Lead WHERE COUNT(Id) > 1", "aggregate functions are not allowed in a WHERE clause"),
        ("SELECT Id FROM Lead HAVING COUNT(Id) > 1", "having clause requires group by clause"),
        ("SELECT HOUR_IN_DAY(ConvertedDate) FROM Lead GROUP BY HOUR_IN_DAY(ConvertedDate)", "'ConvertedDate'"),
        ("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "only root queries support aggregate expressions"),
        ("SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", "cannot have parent-to-child subqueries"),
        (
            "SELECT Id, (SELECT Id, (SELECT Id FROM Contacts) FROM ChildAccounts) FROM Account",
            "limited to one level here",
        ),
        ("SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact", "not 'Account'"),
        (
            "SELECT TYPEOF Owner WHEN Account THEN Name END FROM Lead",
            "'Account' cannot stand here in a TYPEOF of 'Owner'",
        ),
    ],
)
def test_malformed_aggregates_and_subqueries(soql: str, reason: str) -> None:
    check(soql, "MALFORMED_QUERY", reason)


@pytest.mark.parametrize(
    ("where", "code", "reason"),
    [
        ("Name IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "cannot use: 'Name'"),
        ("Id IN (SELECT LastName FROM Contact)", "MALFORMED_QUERY", "'LastName' should be an id field"),
        ("Id IN (SELECT Id FROM Contact)", "MALFORMED_QUERY", "should point to the same object type"),
        ("Id IN (SELECT ParentId FROM Account)", "MALFORMED_QUERY", "should not be on the same object type"),
        ("Id IN (SELECT Account.Parent.Id FROM Contact)", "MALFORMED_QUERY", "more than one level of relationships"),
        ("Id IN (SELECT AccountId, Id FROM Contact)", "MALFORMED_QUERY", "must select exactly one field"),
        (
            "Id IN (SELECT AccountId FROM Contact LIMIT 1)",
            "MALFORMED_QUERY",
            "cannot use ORDER BY, LIMIT, OFFSET or GROUP BY",
        ),
        (
            "Id IN (SELECT AccountId FROM Contact) OR Name = 'x'",
            "MALFORMED_QUERY",
            "not allowed with the 'OR' operator",
        ),
        ("NOT Id IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "not allowed with the 'OR' operator"),
        (
            "Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT AccountId FROM Opportunity))",
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM Opportunity) "
            "AND Id NOT IN (SELECT ConvertedAccountId FROM Lead)",
            "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
            "Maximum 2 semi join sub-selects are allowed in a query",
        ),
    ],
)
def test_semi_join_restrictions(where: str, code: str, reason: str) -> None:
    check(f"SELECT Id FROM Account WHERE {where}", code, reason)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM LeadStatus", "INVALIDENTITY"),
        ("SELECT COUNT() FROM Lead", "API_ERROR"),
        ("SELECT COUNT(Id) FROM Lead", "API_ERROR"),
        ("SELECT Name FROM Lead GROUP BY Name", "API_ERROR"),
        ("SELECT Id FROM Lead OFFSET 5", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Lead", "API_ERROR"),
        ("SELECT BillingAddress FROM Account", "API_ERROR"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 10", "MALFORMED_QUERY"),
        ("SELECT Compny FROM Lead", "INVALID_FIELD"),
    ],
)
def test_bulk_refuses_what_rest_takes(soql: str, code: str) -> None:
    assert refusal(soql, bulk=True).code == code


def test_bulk_names_the_object_it_does_not_take() -> None:
    message = refusal("SELECT Id FROM LeadStatus", bulk=True).message
    assert message == "Entity 'LeadStatus' is not supported by the Bulk API."


def test_a_hidden_field_looks_like_an_unknown_one() -> None:
    hidden = schema()
    hidden.hide("Lead", "Company")
    with pytest.raises(ApiError, match="No such column 'Company' on entity 'Lead'"):
        compile_soql("SELECT Company FROM Lead", hidden, Options(now=NOW))


def test_limits_of_size_and_depth() -> None:
    check("SELECT Id FROM Lead WHERE Name = '" + "x" * 100_000, "MALFORMED_QUERY", "longer than 100000 characters.")
    deep = "(" * 300 + "Name = 'x'" + ")" * 300
    nested = "NOT " * 300 + deep
    assert refusal(f"SELECT Id FROM Lead WHERE {nested}").code == "QUERY_TOO_COMPLICATED"
    assert compile_soql(f"SELECT Id FROM Lead WHERE {deep}", SCHEMA, Options(now=NOW)).params == ["x"]
    path = ".".join(["Parent"] * 6) + ".Name"
    assert "depth" in refusal(f"SELECT {path} FROM Account").message
