import pytest

from sfsync.normalise.fold import blank
from sfsync.normalise.text import (
    find_text_issue,
    is_placeholder,
    number_tokens,
    repair_text,
    suggest_text,
    text_issue,
    whole_name_in_last,
)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        (" Doe", "edge_space"),
        ("Doe\u00a0", "edge_space"),
        ("Jane  Doe", "edge_space"),
        ("Ja\u200bne", "edge_space"),
        ("\ufeffJane", "edge_space"),
        ("Ja\x07ne", "control"),
        ("Jane\nDoe", "control"),
        ("M\ufffdller", "control"),
        ("O\x92Brien", "control"),
        ("JosÃ©", "mojibake"),
        ("Oâ€™Brien", "mojibake"),
        ("MÃ¼ller", "mojibake"),
        ("Ivić Oâ€™Brien", "mojibake"),
        ("Ð˜Ð²Ð°Ð½", "mojibake"),
        ("å±±ç”°", "mojibake"),
        ("Smith &amp; Co", "html"),
        ("O&#39;Brien", "html"),
        ("<b>Jane</b>", "html"),
        ("Jane<br/>Doe", "html"),
        ("=SUM(A1)", "formula"),
        ("@jane", "formula"),
        ("+Jane", "formula"),
        ("-Jane", "formula"),
        ("SIEMENS", "shouting"),
        ("SÃO PAULO", "shouting"),
        ("МОСКВА", "shouting"),
        ("Jane", None),
        ("IBM", None),
        ("KPMG", None),
        ("BCDFG", None),
        ("+49 30", None),
        ("-5", None),
        ("AT&T", None),
        ("Smith & Co; Sons", None),
        ("a < b", None),
        ("São Paulo", None),
        ("Ångström", None),
        ("Café’s É’ «Ñandú» Spaß–Bad", None),
        ("上海示例有限公司", None),
        ("zeta-jones van 't Hof", None),
        (" ", None),
        ("\u200b", None),
        ("", None),
        (None, None),
    ],
)
def test_text_issue(text, issue):
    assert text_issue(text) == issue


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("  Jane  Doe ", "Jane Doe"),
        ("Ja\u200bne\ufeff", "Jane"),
        ("\u3000Jane", "Jane"),
        ("Jane\r\n Doe", "Jane Doe"),
        ("Ja\x00ne", "Jane"),
        ("Head\tof Sales", "Head of Sales"),
    ],
)
def test_repair_text(text, repaired):
    assert repair_text(text) == repaired


@pytest.mark.parametrize(
    "text", ["Jane", None, "", " ", "\x07", "M\ufffdller", "O\x92Brien", "â\x80\x99", "JosÃ©", "SIEMENS"]
)
def test_repair_text_leaves_alone_what_it_cannot_know(text):
    assert repair_text(text) is None


def test_suggestions_for_garbled_text_and_entities():
    assert suggest_text("JosÃ©") == "José"
    assert suggest_text("Oâ€™Brien") == "O’Brien"
    assert suggest_text("Ivić Oâ€™Brien") == "Ivić O’Brien"
    assert suggest_text("Ð˜Ð²Ð°Ð½") == "Иван"
    assert suggest_text("Smith &amp; Co") == "Smith & Co"
    assert suggest_text("<b>Jane</b>") is None
    assert suggest_text("Jane") is None


def test_the_first_issue_of_the_order_is_reported_with_its_field():
    assert find_text_issue({"FirstName": "JANET", "LastName": "=x", "Company": " Acme"}) == ("edge_space", "Company")
    assert find_text_issue({"FirstName": " a", "LastName": " b"}) == ("edge_space", "FirstName")
    assert find_text_issue({"Name": "Acme", "BillingCity": None}) is None


@pytest.mark.parametrize("last", ["Doe, Jane", "Jane Doe", "Maria van der Berg"])
def test_a_whole_name_in_the_last_name(last):
    assert whole_name_in_last(None, last)
    assert whole_name_in_last(" ", last)
    assert find_text_issue({"FirstName": "", "LastName": last}) == ("whole_name_in_last", "LastName")
    assert not whole_name_in_last("Jane", last)


@pytest.mark.parametrize("last", ["van der Berg", "Doe", "de la Cruz", "García-López", "", None])
def test_a_last_name_with_particles_is_a_last_name(last):
    assert not whole_name_in_last(None, last)


@pytest.mark.parametrize(
    "text",
    ["n/a", "N.A.", "none", "null", "unknown", "test", "tbd", "-", ".", "xxx", "asdf", "[not provided]", " N/A\u00a0"],
)
def test_placeholders(text):
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["Nona", "Testa Srl", "Li", "", " ", None])
def test_not_placeholders(text):
    assert not is_placeholder(text)


def test_blank_is_what_shows_nothing():
    assert all(blank(text) for text in (None, "", " ", "\u00a0", "\u200b", "\u3000 \t"))
    assert not blank("0")


def test_number_tokens():
    assert number_tokens("Phase 2 2026") == "2 2026"
    assert number_tokens("Deal") == ""
