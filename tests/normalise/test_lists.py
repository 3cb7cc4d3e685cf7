import pytest

from sfsync.errors import MappingError
from sfsync.normalise.company import norm_company
from sfsync.normalise.country import country_code
from sfsync.normalise.lists import load_lists, shipped_lists


def own(tmp_path, name, content):
    (tmp_path / "lists").mkdir(exist_ok=True)
    (tmp_path / "lists" / f"{name}.yaml").write_text(content, encoding="utf-8")
    return load_lists(tmp_path)


def test_a_users_list_replaces_the_shipped_one_of_the_same_name(tmp_path):
    lists = own(tmp_path, "legal_forms", "endings: [Stichting]\n")
    assert norm_company("Voorbeeld Stichting", lists) == "voorbeeld"
    assert norm_company("Acme Inc", lists) == "acme inc"
    assert norm_company("Acme Inc") == "acme"
    assert lists.free_domains == shipped_lists().free_domains
    assert lists.digest != shipped_lists().digest


def test_yaml_words_for_true_and_null_are_texts(tmp_path):
    lists = own(tmp_path, "countries", "NO: [no, Yes]\n")
    assert country_code("Yes", lists) == "NO"
    assert "null" in shipped_lists().placeholders


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("placeholders", "a: [b", r"placeholders\.yaml:\d: not YAML"),
        ("placeholders", "a: b", r"placeholders\.yaml: a list of texts was expected"),
        ("role_mailboxes", "- [a]\n", r"role_mailboxes\.yaml: a list of texts"),
        ("countries", "- NL\n", r"countries\.yaml: `CODE"),
        ("free_domain", "- a.example\n", r'free_domain\.yaml: there is no such list\. Nearest: "free_domains"'),
        ("xyzzy", "- red\n", r"xyzzy\.yaml: there is no such list\. There are countries, disposable_domains"),
    ],
)
def test_a_broken_list_is_named(tmp_path, name, content, message):
    with pytest.raises(MappingError, match=message):
        own(tmp_path, name, content)


def test_every_alias_names_a_country_that_exists():
    import pycountry

    codes = {country.alpha_2 for country in pycountry.countries}
    assert set(shipped_lists().countries.values()) <= codes
