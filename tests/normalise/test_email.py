import pytest

from sfsync.normalise.email import (
    email_domain,
    is_disposable_domain,
    is_free_domain,
    is_role_mailbox,
    norm_email,
    repair_email,
    valid_email,
)


@pytest.mark.parametrize(
    "address",
    [
        "a.b+c@d.co.uk",
        "élodie@exemple.fr",
        "jane@münchen.example",
        "jane@xn--mnchen-3ya.example",
        "o'brien@example.com",
        "用户@例子.公司",
        "a" * 64 + "@example.com",
        "jane@" + "a" * 63 + ".com",
    ],
)
def test_valid_addresses(address):
    assert valid_email(address)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "a@b",
        "john..doe@x.com",
        ".john@x.com",
        "john.@x.com",
        "a@@b.com",
        "a@b@c.com",
        "a b@c.com",
        " a@c.com",
        "a@c.com ",
        "a@-c.com",
        "a@c-.com",
        "a@c..com",
        "a@.com",
        "a@c.com.",
        "a@c_d.com",
        "a@192.168.0.1",
        "a,b@c.com",
        "<a@c.com>",
        "a\u200b@c.com",
        "a@c\u200b.com",
        "@c.com",
        "a" * 65 + "@example.com",
        "jane@" + "a" * 64 + ".com",
        "a@" + "b." * 126 + "com",
    ],
)
def test_invalid_addresses(text):
    assert not valid_email(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" John.Doe@ACME.com ", "john.doe@acme.com"),
        ("mailto:John@acme.com", "john@acme.com"),
        ("<john@acme.com>", "john@acme.com"),
        ("<mailto:john+tag@acme.com>", "john+tag@acme.com"),
        ("\u00a0john@acme.com\u200b", "john@acme.com"),
        ("nobody", None),
        ("", None),
        (None, None),
    ],
)
def test_norm_email(text, normal):
    assert norm_email(text) == normal


def test_email_domain_is_what_follows_the_at():
    assert email_domain("jane@mail.acme.com") == "mail.acme.com"
    assert email_domain("jane") is None


@pytest.mark.parametrize(
    "text",
    [
        " jane@acme.com",
        "Jane@ACME.com\t",
        "mailto:jane@acme.com",
        "MAILTO: jane@acme.com",
        "<jane@acme.com>;",
        "jane@acme.com;",
        "jane@acme.com.",
        "jane@acme.com,",
        "jane＠acme．com",
        "jane@acme,com",
        "jane@acme, com",
    ],
)
def test_mechanical_repairs(text):
    assert repair_email(text) == "jane@acme.com"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "jane",
        "jane@acme",
        "jane doe@acme.com",
        "jane@acme.com; john@acme.com",
        "jane..doe@acme.com",
        "@",
    ],
)
def test_nothing_is_guessed(text):
    assert repair_email(text) is None


def test_a_valid_address_needs_no_repair():
    assert repair_email("Jane@ACME.com") is None


def test_lists_of_domains_and_mailboxes():
    assert is_free_domain("gmail.com")
    assert is_free_domain("qq.com")
    assert not is_free_domain("acme.com")
    assert not is_free_domain(None)
    assert is_disposable_domain("mailinator.com")
    assert is_role_mailbox("Info@acme.com")
    assert is_role_mailbox("sales+web@acme.com")
    assert not is_role_mailbox("ines@acme.com")
    assert not is_role_mailbox("info")
