"""What is normalised of each sObject, and from which of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COLUMNS: Mapping[str, str] = {
    "Id": "VARCHAR",
    "SystemModstamp": "TIMESTAMP WITH TIME ZONE",
    "version": "VARCHAR",
    "email": "VARCHAR",
    "email_domain": "VARCHAR",
    "email_valid": "BOOLEAN",
    "email_repaired": "VARCHAR",
    "email_free": "BOOLEAN",
    "email_disposable": "BOOLEAN",
    "email_role": "BOOLEAN",
    "phone": "VARCHAR",
    "mobile": "VARCHAR",
    "company": "VARCHAR",
    "person": "VARCHAR",
    "country": "VARCHAR",
    "web_domain": "VARCHAR",
    "web_free": "BOOLEAN",
    "text_issue": "VARCHAR",
    "text_field": "VARCHAR",
    "text_repaired": "VARCHAR",
    "text_suggested": "VARCHAR",
    "numbers": "VARCHAR",
    "placeholders": "VARCHAR",
}
"""Columns of every `sfsync.norm_<sObject>` → portable SQL type. Key: Id."""


@dataclass(frozen=True)
class Sources:
    """The fields of one sObject that feed the columns; None leaves a column null."""

    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    company: str | None = None
    person: tuple[str, str] | None = None
    """First and last name."""
    country: tuple[str, ...] = ()
    """Looked at in this order; the first that is not blank counts."""
    web_domain: str | None = None
    text: tuple[str, ...] = ()
    """Texts whose hygiene is looked at, in the order they are reported."""
    numbers: str | None = None
    """Its digit runs, joined by a space."""
    placeholders: tuple[str, ...] = ()
    """Texts in which a placeholder (`n/a`, `xxx`) says nothing. The column lists those that hold one: `,Name,Type,`."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field read, each once, in a fixed order."""
        single = (self.email, self.phone, self.mobile, self.company, self.web_domain, self.numbers)
        named = [field for field in single if field is not None]
        return tuple(dict.fromkeys([*named, *(self.person or ()), *self.country, *self.text, *self.placeholders]))


SOURCES: Mapping[str, Sources] = {
    "Lead": Sources(
        email="Email",
        phone="Phone",
        mobile="MobilePhone",
        company="Company",
        person=("FirstName", "LastName"),
        country=("CountryCode", "Country"),
        web_domain="Website",
        text=("FirstName", "LastName", "Company"),
        placeholders=(
            "FirstName",
            "LastName",
            "Company",
            "LeadSource",
            "Title",
            "Industry",
            "Country",
            "Phone",
            "MobilePhone",
        ),
    ),
    "Contact": Sources(
        email="Email",
        phone="Phone",
        mobile="MobilePhone",
        person=("FirstName", "LastName"),
        country=("MailingCountryCode", "MailingCountry"),
        text=("FirstName", "LastName", "Title"),
        placeholders=("FirstName", "LastName", "Title", "MailingCountry", "Phone", "MobilePhone"),
    ),
    "Account": Sources(
        phone="Phone",
        company="Name",
        country=("BillingCountryCode", "BillingCountry"),
        web_domain="Website",
        text=("Name", "BillingCity"),
        placeholders=("Name", "Industry", "Type", "BillingCountry", "BillingCity", "Phone"),
    ),
    "Opportunity": Sources(
        company="Name",
        numbers="Name",
        placeholders=("Name", "NextStep", "Type", "LeadSource"),
    ),
}
