"""Company, person, country, web domain and phone: each normaliser against its table of examples."""

import pytest

from sfsync.normalise.company import norm_company
from sfsync.normalise.country import country_code
from sfsync.normalise.person import norm_person
from sfsync.normalise.phone import norm_phone
from sfsync.normalise.url import same_org_domain, web_domain


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Acme, Inc.", "acme"),
        ("ACME Incorporated", "acme"),
        ("The Acme Co. Ltd", "acme"),
        ("Volvo AB", "volvo"),
        ("AB Volvo", "ab volvo"),
        ("Inc.", "inc"),
        ("上海示例有限公司", "上海示例"),
        ("上海示例股份有限公司", "上海示例"),
        ("株式会社サンプル", "サンプル"),
        ("サンプル株式会社", "サンプル"),
        ("サンプル（株）", "サンプル"),
        ("Acme S.r.l.", "acme"),
        ("Acme S. p. A.", "acme"),
        ("Acme G.m.b.H. & Co. KG", "acme"),
        ("Smith & Sons Ltd", "smith and sons"),
        ("Smith and Sons", "smith and sons"),
        ("Johnson & Co.", "johnson"),
        ("Acme Sociedad Limitada", "acme"),
        ("ＡＣＭＥ", "acme"),
        ("The The", "the"),
        ("  ", None),
        ("---", None),
        ("", None),
        (None, None),
    ],
)
def test_norm_company(text, normal):
    assert norm_company(text) == normal


def test_a_word_that_only_contains_a_legal_form_stays():
    assert norm_company("Cola Incognito") == "cola incognito"
    assert norm_company("Kansas") == "kansas"


@pytest.mark.parametrize(
    ("first", "last", "normal"),
    [
        ("José ", "García-López", "jose garcia lopez"),
        (None, "Müller", "muller"),
        ("Søren", "Łukasz", "soren lukasz"),
        ("Anne-Marie", "O'Neil", "anne marie o neil"),
        ("STRASSE", "Weiß", "strasse weiss"),
        ("王", "伟", "王 伟"),
        (None, None, None),
        (" ", "-", None),
    ],
)
def test_norm_person(first, last, normal):
    assert norm_person(first, last) == normal


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("USA", "US"),
        ("U.S.", "US"),
        ("United States", "US"),
        ("us", "US"),
        ("Deutschland", "DE"),
        ("Sverige", "SE"),
        ("中国", "CN"),
        ("Holland", "NL"),
        ("GBR", "GB"),
        ("UK", "GB"),
        ("no", "NO"),
        ("Norge", "NO"),
        ("Côte d'Ivoire", "CI"),
        ("cote d’ivoire", "CI"),
        ("Czech Republic", "CZ"),
        ("Russia", "RU"),
        ("South Korea", "KR"),
        ("日本", "JP"),
        ("Korea", None),
        ("Narnia", None),
        ("", None),
        (None, None),
    ],
)
def test_country_code(text, code):
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.com/de/", "acme.com"),
        ("acme.com", "acme.com"),
        ("WWW.ACME.COM", "acme.com"),
        ("http://acme.com:8080/x?y#z", "acme.com"),
        ("acme.com:8080", "acme.com"),
        ("//acme.com", "acme.com"),
        ("info@acme.com", "acme.com"),
        ("acme.com.", "acme.com"),
        ("www.com", "www.com"),
        ("https://münchen.example/", "münchen.example"),
        ("N/A", None),
        ("http://", None),
        ("acme", None),
        ("192.168.0.1", None),
        ("not available", None),
        ("", None),
        (None, None),
    ],
)
def test_web_domain(text, domain):
    assert web_domain(text) == domain


def test_same_org_domain_needs_a_dot_between():
    assert same_org_domain("mail.acme.com", "acme.com")
    assert same_org_domain("acme.com", "mail.acme.com")
    assert same_org_domain("acme.com", "acme.com")
    assert not same_org_domain("notacme.com", "acme.com")
    assert not same_org_domain("acme.com", "com")
    assert not same_org_domain(None, "acme.com")
    assert not same_org_domain(None, None)


@pytest.mark.parametrize(
    ("text", "country", "normal"),
    [
        ("(415) 555-1234", "US", "+14155551234"),
        ("415-555-1234 ext. 5", "United States", "+14155551234"),
        ("415 555 1234 x123", "USA", "+14155551234"),
        ("030 1234567", "Deutschland", "+49301234567"),
        ("+49 30 1234567", None, "+49301234567"),
        ("+49 30 1234567", "US", "+49301234567"),
        ("00 49 30 1234567", "FR", "+49301234567"),
        ("１（415）555-1234", "US", "+14155551234"),
        ("030 1234567", None, None),
        ("555-1234", "US", None),
        ("0000000000", "US", None),
        ("12", "DE", None),
        ("none", "US", None),
        ("", "US", None),
        (None, "US", None),
    ],
)
def test_norm_phone(text, country, normal):
    assert norm_phone(text, country) == normal
