from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sfsync.errors import InputError
from sfsync.report.logo import data_uri
from tests.report.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
GOOD = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" style="fill: url(#g)"/></svg>'


@pytest.mark.parametrize(("content", "kind"), [(PNG, "png"), (b"\xff\xd8\xff\xe0 jpeg", "jpeg"), (GOOD, "svg+xml")])
def test_an_image_becomes_a_data_uri(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "logo").write_bytes(content)
    head, _, body = data_uri(tmp_path / "logo").partition(",")
    assert head == f"data:image/{kind};base64"
    assert base64.b64decode(body) == content


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b"<g onload='alert(1)'/>",
        b"<image href='https://evil.example/x.png'/>",
        b"<use xlink:href='#x'/>",
        b"<foreignObject><p/></foreignObject>",
        b"<rect style='fill: url(https://evil.example)'/>",
        b"<style>@import 'https://evil.example';</style>",
        b"<animate attributeName='x'/>",
        b"<!ENTITY x SYSTEM 'file:///etc/passwd'>",
        b"<text>&#106;</text>",
    ],
)
def test_an_svg_that_acts_or_loads_is_refused(tmp_path: Path, inside: bytes) -> None:
    (tmp_path / "logo.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'>" + inside + b"</svg>")
    with pytest.raises(InputError, match="SVG holds"):
        data_uri(tmp_path / "logo.svg")


def test_other_files_large_ones_and_missing_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"<html><script></script>")
    (tmp_path / "big.png").write_bytes(PNG + b"\x00" * 512 * 1024)
    for name, said in (("a.html", "neither PNG"), ("big.png", "at most 512 KB"), ("none.png", "cannot be read")):
        with pytest.raises(InputError, match=said):
            data_uri(tmp_path / name)


def test_the_logo_stands_on_the_page_with_a_text(world: World) -> None:
    (world.folder / "logo.png").write_bytes(PNG)
    world.report("r.html", client="Acme & Söhne", logo=world.folder / "logo.png", sections=["summary"])
    page = (world.folder / "r.html").read_text(encoding="utf-8")
    assert '<img class="logo" src="data:image/png;base64,' in page
    assert 'alt="Acme &amp; Söhne"' in page
