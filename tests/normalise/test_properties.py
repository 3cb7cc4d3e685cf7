"""What holds for every text: never an exception, nothing out of nothing, twice is the same as once."""

from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.normalise.company import norm_company
from sfsync.normalise.country import country_code
from sfsync.normalise.email import norm_email, repair_email, valid_email
from sfsync.normalise.fold import BLANK_CHARACTERS, fold
from sfsync.normalise.person import norm_person
from sfsync.normalise.phone import norm_phone
from sfsync.normalise.text import find_text_issue, is_placeholder, repair_text, suggest_text, text_issue
from sfsync.normalise.url import web_domain

PIECES = (
    "Acme acme. Inc inc. S.A. s a & the The GmbH Co. KG ltd 株式会社 有限公司 サンプル José İ ß ﬁ Ａ ² @ . , ; www. "
    "http:// mailto: < > .com .de +49 030 415 555-1234 ext. 5 U.S. \u200b \u00a0 \x07 \x85 \ufffd "
    "Ã© &amp; <b> = - 'İ ǰ ŉ ẞ Σ"
).split(" ")
texts = st.text() | st.lists(st.sampled_from([*PIECES, " ", "  ", "", "a"]), max_size=8).map("".join)
blanks = st.text(alphabet=BLANK_CHARACTERS)
countries = st.sampled_from([None, "US", "DE", "Italia", "JP", "BR", "Narnia"])


@given(texts)
@example("0:INC株式会社")
def test_companies_are_stable(text):
    once = norm_company(text)
    assert once is None or norm_company(once) == once


@given(texts, texts)
def test_people_are_stable(first, last):
    once = norm_person(first, last)
    assert once is None or norm_person(None, once) == once


@given(texts)
def test_emails_are_stable_and_valid(text):
    once = norm_email(text)
    assert once is None or (norm_email(once) == once and valid_email(once))


@given(texts)
def test_a_repaired_email_is_valid_and_normal(text):
    repaired = repair_email(text)
    assert repaired is None or (valid_email(repaired) and norm_email(repaired) == repaired and repaired != text)


@given(texts)
def test_domains_are_stable(text):
    once = web_domain(text)
    assert once is None or web_domain(once) == once


@given(texts, countries)
def test_phones_are_stable(text, country):
    once = norm_phone(text, country)
    assert once is None or norm_phone(once, country) == norm_phone(once) == once


@given(st.integers(min_value=0, max_value=10**15), countries)
def test_digits_become_a_stable_number_or_nothing(number, country):
    once = norm_phone(str(number), country)
    assert once is None or norm_phone(once) == once


@given(texts)
def test_countries_are_stable(text):
    once = country_code(text)
    assert once is None or country_code(once) == once


@given(texts)
def test_repaired_text_has_neither_spaces_at_the_edge_nor_controls(text):
    repaired = repair_text(text)
    assert repaired is None or text_issue(repaired) not in ("edge_space", "control")
    assert suggest_text(text) is None or suggest_text(text) != text
    assert is_placeholder(text) in (True, False)


@given(texts, texts)
def test_the_reported_field_has_the_reported_issue(first, last):
    found = find_text_issue({"FirstName": first, "LastName": last})
    if found and found[0] != "whole_name_in_last":
        assert text_issue({"FirstName": first, "LastName": last}[found[1]]) == found[0]


@given(blanks, countries)
def test_nothing_comes_of_blank(text, country):
    assert norm_email(text) is repair_email(text) is norm_company(text) is norm_person(text, text) is None
    assert web_domain(text) is norm_phone(text, country) is country_code(text) is None
    assert text_issue(text) is repair_text(text) is suggest_text(text) is None
    assert not is_placeholder(text)


@given(texts)
def test_folding_is_stable(text):
    assert fold(fold(text)) == fold(text)
