"""The page in a real browser: no errors, no network, sorting and filtering, a phone, contrast, paper."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.report.browser import Browser, find, opened
from tests.report.world import World

PROGRAM = find()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no Chromium: install one (apt-get install chromium) or name it in SFSYNC_CHROMIUM"
)
CELLS = "[...document.querySelector('#{table}').tBodies[0].rows].map(r => r.cells[{column}].textContent.trim())"
CONTRAST = """
(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const back = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const drawn = e.closest('svg');
    const ink = drawn ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const [a, b] = [light(parse(ink)), light(back(drawn ? drawn.parentElement : e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40));
  }
  return [...new Set(poor)];
})()
"""


@pytest.fixture(scope="module")
def page(mirrored: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = mirrored.copy(tmp_path_factory.mktemp("page") / "world")
    copy.report("report.html", rows=30, client="Acme <b>& Söhne</b>")
    return copy.folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(str(PROGRAM), tmp_path_factory.mktemp("profile")) as found:
        yield found


def test_the_page_loads_nothing_and_complains_about_nothing(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.complaints() == []
    assert browser.js("document.title").startswith("Acme <b>& Söhne</b>")
    assert browser.js("document.querySelectorAll('svg.chart').length") >= 8


def test_the_policy_stops_a_script_that_got_in(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.js("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit = 1\">')")
    browser.js("document.body.append(Object.assign(document.createElement('script'), {text: 'window.hit = 1'}))")
    assert browser.js("window.hit === undefined") is True
    assert any("Content Security Policy" in said for said in browser.complaints())


def test_a_click_sorts_numbers_as_numbers_and_a_second_turns_them(browser: Browser, page: Path) -> None:
    browser.open(page)
    cells = CELLS.format(table="rules-overview", column=3)
    click = "document.querySelectorAll('#rules-overview .sort')[3].click()"
    before = [int(text.replace(",", "")) for text in browser.js(cells)]
    browser.js(click)
    assert [int(text.replace(",", "")) for text in browser.js(cells)] == sorted(before)
    assert browser.js("document.querySelectorAll('#rules-overview th')[3].getAttribute('aria-sort')") == "ascending"
    browser.js(click)
    assert [int(text.replace(",", "")) for text in browser.js(cells)] == sorted(before, reverse=True)


def test_the_keyboard_sorts_too(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.js("document.querySelectorAll('#rules-overview .sort')[0].focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    codes = browser.js(CELLS.format(table="rules-overview", column=0))
    assert codes == sorted(codes)


def test_the_filter_hides_what_does_not_fit(browser: Browser, page: Path) -> None:
    browser.open(page)
    rows = (
        "[...document.querySelectorAll('#rules-overview tbody tr')].filter(r => r.offsetParent).map(r => r.innerText)"
    )
    everything = browser.js(rows)
    browser.js(
        "(() => { const box = document.querySelector('#rules-overview').parentElement.previousElementSibling"
        ".querySelector('input'); box.value = 'LEAD error'; box.dispatchEvent(new Event('input')); })()"
    )
    left = browser.js(rows)
    assert left
    assert left == [text for text in everything if "lead" in text.lower() and "error" in text.lower()]
    assert len(left) < len(everything)


def test_a_link_to_a_rule_finds_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    links = browser.js("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))")
    assert [link for link in links if browser.js(f"document.getElementById({link!r}) === null")] == []
    assert browser.js("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == browser.js(
        "document.querySelectorAll('[id]').length"
    )


def test_a_phone_scrolls_tables_not_the_page(browser: Browser, page: Path) -> None:
    browser.open(page, width=360, height=740)
    assert browser.js("document.documentElement.scrollWidth") <= 360


def test_a_phone_shows_lists_row_by_row_with_room_for_words(browser: Browser, page: Path) -> None:
    browser.open(page, width=360, height=740)
    browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    cells = "[...document.querySelectorAll('.told tbody :is(th, td)')].filter(c => c.offsetWidth)"
    edges = f"{cells}.map(c => c.getBoundingClientRect().right)"
    assert 100 < max(browser.js(edges)) <= 360
    words = "[...document.querySelectorAll('.told .prose')].filter(c => c.offsetWidth).map(c => c.offsetWidth)"
    assert min(browser.js(words)) > 250
    label = "getComputedStyle(document.querySelector('#top tbody tr').cells[{cell}], '::before').content"
    assert browser.js(label.format(cell=4)) == '"findings "'
    assert browser.js(label.format(cell=5)) == '"rate "'
    browser.open(page)
    assert browser.js(label.format(cell=4)) == "none"


def test_no_text_of_a_drawing_is_cut_off_or_too_small_on_a_phone(browser: Browser, page: Path) -> None:
    browser.open(page, width=360, height=740)
    texts = "[...document.querySelectorAll('svg.chart text')].map(t => t.getBoundingClientRect())"
    assert browser.js(f"Math.max(...{texts}.map(b => b.right))") <= 360
    assert browser.js(f"Math.min(...{texts}.map(b => b.left))") >= 0
    drawn = "[...document.querySelectorAll('svg.chart')]"
    scales = browser.js(f"{drawn}.map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)")
    assert min(scales) > 0.8


def test_only_paper_says_that_a_list_is_printed_in_part(browser: Browser, page: Path) -> None:
    browser.open(page)
    shown = (
        "[...document.querySelectorAll('summary')].filter(s => s.innerText.includes('printed: the first 12')).length"
    )
    assert browser.js(shown) == 0
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.js(shown) > 0
        rows = "[...document.querySelectorAll('#records-OWN-001 tbody tr')].filter(r => r.offsetParent).length"
        browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.js(rows) == 12
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_every_text_stands_out_from_its_ground(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.js(CONTRAST) == []


def test_headings_tables_and_drawings_speak_to_a_screen_reader(browser: Browser, page: Path) -> None:
    browser.open(page)
    levels = browser.js("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert browser.js("document.documentElement.lang") == "en"
    assert browser.js("document.querySelectorAll('main, nav, header, footer').length") == 4
    assert browser.js("[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim())")
    assert browser.js(
        "[...document.querySelectorAll('thead th')].every(h => h.scope === 'col' && h.textContent.trim())"
    )
    named = "[...document.querySelectorAll('svg.chart')].every(s => s.getAttribute('aria-labelledby').split(' ')"
    assert browser.js(f"{named}.every(id => s.querySelector('#' + id).textContent.trim()))")


@pytest.mark.parametrize(("width", "height"), [(8.27, 11.69), (8.5, 11.0)], ids=["A4", "Letter"])
def test_it_prints(browser: Browser, page: Path, width: float, height: float) -> None:
    browser.open(page)
    reply = browser.call("Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False)
    pdf = base64.b64decode(reply["data"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 8  # each section begins on a page of its own
    assert browser.js("document.querySelectorAll('details:not([open])').length > 0")
