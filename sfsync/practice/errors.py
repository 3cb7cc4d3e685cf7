"""Answers of the API that are not success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """An answer of the API that is not success, in Salesforce's own words.

    status: the HTTP status a call about this one record gets. code: Salesforce's errorCode. extra: more keys of the
    body's element, as `duplicateResut`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ):
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.extra = dict(extra or {})

    def body(self) -> list[dict[str, Any]]:
        """The JSON body of a REST call that failed: a list of one object."""
        element: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            element["fields"] = self.fields
        return [{**element, **self.extra}]

    def row_error(self) -> dict[str, Any]:
        """One element of `errors` in the result of a collection call."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields, **self.extra}


class SeveralMatches(ApiError):
    """An upsert key which several records carry: REST answers 300 with the records' addresses.

    sobject, ids: the records that match, Ids sorted. `body()` holds addresses of API version `version`.
    """

    def __init__(self, sobject: str, field: str, value: str, ids: Sequence[str], version: float):
        super().__init__(
            300,
            "DUPLICATE_EXTERNAL_ID",
            f"{field}: more than one record found for external id field: [{', '.join(ids)}]",
            [field],
        )
        self.sobject = sobject
        self.ids = list(ids)
        self.urls = [f"/services/data/v{version:.1f}/sobjects/{sobject}/{i}" for i in ids]

    def body(self) -> list[Any]:
        return list(self.urls)
