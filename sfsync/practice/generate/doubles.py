"""Who is there twice, and who only looks so: leads, contacts and accounts.

The SQL of a change may use the columns of `person` and `company`; see `people.py` and `companies.py`.
"""

from __future__ import annotations

from dataclasses import replace

from sfsync.practice.generate.people import MAIL, SWITCHBOARD, phone
from sfsync.practice.generate.plants import Plant, Variant

_LATIN = "code IN ('US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'SE')"
_ENGLISH = "code IN ('US', 'GB')"
_ONE_A_COMPANY = "g = 2 AND slot = 0"
_ONE_AN_ACCOUNT = "first_here"
"""So that the people added at a company, who all sit at the same free places, are not added twice."""


def _direct(variant: int = 0) -> str:
    return phone("landline", f"format_roll + {variant}", "direct")


def _mobile(variant: int = 0) -> str:
    return phone("mobile", f"format_roll + {variant}", "mobile_digits")


_SPELLINGS = {
    "without its legal form": "core",
    "in small letters": "lower(core) || form",
    "with a dash": "replace(core, ' ', ' - ') || form",
    "comma and form in capitals": "core || ',' || upper(form)",
}
_TYPOS = {
    "letters exchanged": "left({0}, 2) || substr({0}, 4, 1) || substr({0}, 3, 1) || substr({0}, 5)",
    "letter missing": "left({0}, 2) || substr({0}, 4)",
    "letter doubled": "left({0}, 4) || substr({0}, 4)",
}
_NO_MAIL = {"Email": "NULL", "Phone": _direct()}
_COPIES = (
    Plant(
        *("duplicate", "exact_email", 8),
        (
            Variant(
                "capitals, space behind",
                {"Email": MAIL},
                {"Email": "initcap(local) || '@' || upper(domain) || ' '"},
                1,
                also="DQ-001",
            ),
            Variant(
                "domain in capitals, initial only",
                {"Email": MAIL},
                {"Email": "local || '@' || upper(domain)", "FirstName": "left(given, 1) || '.'", "Phone": "NULL"},
                1,
            ),
            Variant("all in capitals", {"Email": MAIL}, {"Email": f"upper({MAIL})", "Company": "core"}, 1),
            Variant("same spelling, three times", {"Email": MAIL}, {"Email": MAIL, "Company": "lower(name)"}, 2),
        ),
        _LATIN,
        borrow="person",
    ),
    Plant(
        *("duplicate", "name_company_phone", 5),
        tuple(
            Variant(f"company {how}", _NO_MAIL, {**_NO_MAIL, "Phone": _direct(1), "Company": company}, 1)
            for how, company in _SPELLINGS.items()
        ),
        _LATIN,
        borrow="person",
    ),
    Plant(
        *("duplicate", "nickname", 3),
        (
            Variant(
                "no e-mail", {"Phone": _direct()}, {"FirstName": "nickname", "Email": "NULL", "Phone": _direct(1)}, 1
            ),
            Variant(
                "e-mail of the nickname",
                {"Email": MAIL, "Phone": _direct()},
                {"FirstName": "nickname", "Phone": _direct(2)}
                | {"Email": "lower(strip_accents(nickname)) || '.' || surname_ascii || '@' || domain"},
                1,
            ),
        ),
        f"{_LATIN} AND nickname IS NOT NULL",
        borrow="person",
    ),
    Plant(
        *("duplicate", "typo", 4),
        tuple(
            Variant(
                f"{what}, {'same e-mail' if mail else 'no e-mail, same phone'}",
                {"Email": MAIL, "Phone": _direct()},
                {
                    "LastName": typo.format("surname"),
                    "Email": MAIL if mail else "NULL",
                    "Phone": "NULL" if mail else _direct(1),
                },
                1,
            )
            for mail in (True, False)
            for what, typo in _TYPOS.items()
        ),
        f"{_LATIN} AND length(surname) >= 6 AND strpos(surname, ' ') = 0 AND substr(surname, 3, 1) <> "
        f"substr(surname, 4, 1)",
        borrow="person",
    ),
    Plant(
        *("duplicate", "swapped", 2),
        tuple(
            Variant(
                "same e-mail" if mail else "no e-mail, same phone",
                {"Email": MAIL, "Phone": _direct()},
                {"FirstName": "surname", "LastName": "given", "Email": MAIL if mail else "NULL", "Phone": _direct(1)},
                1,
            )
            for mail in (True, False)
        ),
        f"{_LATIN} AND strpos(surname, ' ') = 0",
        borrow="person",
    ),
    Plant(
        *("duplicate", "moved", 2),
        (Variant("new company, same mobile", {"MobilePhone": _mobile()}, {"MobilePhone": _mobile(1)}, 1),),
        f"{_LATIN} AND length(surname) >= 6",
        borrow="person",
        elsewhere=True,
    ),
)
_LOOK_ALIKES = (
    Plant(
        *("near_miss", "father_son", 2),
        (
            Variant(
                "Jr. and Sr. in one company",
                {"LastName": "surname || ' Sr.'", "Email": MAIL, "MobilePhone": _mobile()},
                {"LastName": "surname || ' Jr.'", "Email": MAIL, "MobilePhone": _mobile()},
                1,
            ),
        ),
        f"{_ENGLISH} AND {_ONE_A_COMPANY}",
        borrow="name",
    ),
    Plant(
        *("near_miss", "switchboard", 2),
        (
            Variant(
                "colleagues at one number",
                {"Email": MAIL, "Phone": SWITCHBOARD},
                {"Email": MAIL, "Phone": SWITCHBOARD},
                2,
            ),
        ),
        _ONE_A_COMPANY,
    ),
    Plant(
        *("near_miss", "shared_mailbox", 2),
        (Variant("info@", {"Email": "'info@' || domain"}, {"Email": "'info@' || domain"}, 1),),
        _ONE_A_COMPANY,
    ),
    Plant(
        *("near_miss", "same_name_elsewhere", 2),
        (Variant("namesake in another company", {"Email": MAIL}, {"Email": MAIL}, 1),),
        _ONE_A_COMPANY,
        borrow="name",
        elsewhere=True,
    ),
    Plant(
        *("near_miss", "family", 2),
        (Variant("same surname in one company", {"Email": MAIL}, {"Email": MAIL}, 1),),
        _ONE_A_COMPANY,
        borrow="surname",
    ),
)
LEAD_DOUBLES: tuple[Plant, ...] = (*_COPIES, *_LOOK_ALIKES)


def _of_contacts(code: str, per_mille: float) -> Plant:
    """The leads' plant of this code, for contacts: what it makes of a lead's company has no place there."""
    plant = next(p for p in LEAD_DOUBLES if p.code == code)
    eligible = plant.eligible.replace(_ONE_A_COMPANY, _ONE_AN_ACCOUNT)
    return replace(plant, code=f"contact_{code}", per_mille=per_mille, eligible=eligible)


# The scarce ones first: in a small org there are hardly enough contacts for all.
CONTACT_DOUBLES: tuple[Plant, ...] = (
    _of_contacts("nickname", 1),
    _of_contacts("father_son", 1),
    _of_contacts("typo", 2),
    _of_contacts("swapped", 1),
    _of_contacts("moved", 1),
    _of_contacts("exact_email", 3),
    Plant(
        *("duplicate", "contact_name_phone", 2),
        (
            Variant("no e-mail, number written in another way", _NO_MAIL, {**_NO_MAIL, "Phone": _direct(1)}, 1),
            Variant("initial only, no e-mail", _NO_MAIL, {**_NO_MAIL, "FirstName": "left(given, 1) || '.'"}, 1),
        ),
        _LATIN,
        borrow="person",
    ),
    _of_contacts("switchboard", 1),
    _of_contacts("shared_mailbox", 1),
    _of_contacts("same_name_elsewhere", 1),
    _of_contacts("family", 1),
)

_SITE = {"Website": "'www.' || domain"}
_NO_SITE = {"Website": "NULL"}
_SWITCHBOARD_OTHERWISE = {"Phone": phone("landline", "1", "digits")}
_OTHER_CITY = "has_site AND left(form, 1) = ' '"
ACCOUNT_DOUBLES: tuple[Plant, ...] = (
    Plant(
        *("duplicate", "account_spelling", 2),
        tuple(
            Variant(
                f"name {how}, same website",
                _SITE,
                {"Name": name, "Website": "'https://' || domain || '/'", **_SWITCHBOARD_OTHERWISE},
                1,
            )
            for how, name in _SPELLINGS.items()
        ),
        f"{_LATIN} AND left(form, 1) = ' '",
        borrow="company",
    ),
    Plant(
        *("duplicate", "account_typo", 1),
        tuple(
            Variant(
                f"{what} in the name, same address and number",
                _NO_SITE,
                {"Name": f"{typo.format('core')} || form", **_NO_SITE, **_SWITCHBOARD_OTHERWISE},
                1,
            )
            for what, typo in _TYPOS.items()
        ),
        f"{_LATIN} AND length(core) >= 6 AND substr(core, 3, 1) <> substr(core, 4, 1)",
        borrow="company",
    ),
    Plant(
        *("duplicate", "account_brand", 1),
        (
            Variant(
                "the brand only, same website, nothing else known",
                _SITE,
                {"Name": "split_part(core, ' ', 1)", "Website": "domain", "BillingStreet": "NULL", "Phone": "NULL"},
                1,
            ),
        ),
        _LATIN,
        borrow="company",
    ),
    Plant(
        *("near_miss", "account_branch", 1),
        (
            Variant(
                "two sites of one firm, in two cities",
                {"Name": "core || ' ' || city || form", **_SITE},
                {"Name": "core || ' ' || city || form", **_SITE},
                1,
            ),
        ),
        _OTHER_CITY,
        borrow="name",
    ),
    Plant(
        *("near_miss", "account_parent", 1),
        (
            Variant(
                "a firm and its subsidiary",
                _SITE,
                {"Name": "core || ' Service' || form", "ParentId": "{original}", **_SITE},
                1,
            ),
        ),
        _OTHER_CITY,
        borrow="name",
    ),
    Plant(
        *("near_miss", "account_neighbour", 1),
        (Variant("two firms in one building, at one switchboard", partners=1),),
        "has_site",
        borrow="address",
    ),
)
