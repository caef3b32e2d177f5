"""The status page as people see it: in a browser, light and dark, wide and on a phone.

Each look is left as a PNG in build/browser; docs/images/status.png is a copy of incident-light-1200.png.
TWINMX_STATUS_URLS, a list with spaces, names pages of agents that run: they are looked at as well.
"""

import os
import re
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser.chromium import Tab, tab
from tests.unit.twinmx.statuses import INCIDENT, QUIET, SILENT
from twinmx.status.page import render
from twinmx.status.view import View

SHOTS = Path(__file__).parent.parent.parent / "build" / "browser"
WIDE, PHONE = 1200, 375
PAGES = {"quiet": QUIET, "incident": INCIDENT, "silent": SILENT}
LIVE = os.environ.get("TWINMX_STATUS_URLS", "").split()

TOO_WIDE = """
[...document.body.querySelectorAll("*")]
  .filter(one => one.getBoundingClientRect().right > WIDTH + 0.5)
  .map(one => one.outerHTML.slice(0, 80))
"""
CONTRAST = """
(() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = one => {
    const colour = getComputedStyle(one).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" && one.parentElement ? ground(one.parentElement) : colour;
  };
  return [...document.body.querySelectorAll("*")]
    .filter(one => !one.closest(".stale dl") && [...one.childNodes].some(
      node => node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
    .map(one => {
      const [a, b] = [light(getComputedStyle(one).color), light(ground(one))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)];
    })
    .filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.fixture
async def page() -> AsyncIterator[Tab]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with tab() as opened:
        yield opened


def written(folder: Path, view: View) -> str:
    file = folder / "status.html"
    file.write_text(render(view), encoding="utf-8")
    return file.as_uri()


async def text_of(page: Tab) -> str:
    """What a reader sees, each stretch of white space as one blank."""
    return re.sub(r"\s+", " ", await page.ask("document.body.innerText"))


async def check_layout(page: Tab, width: int) -> None:
    """Nothing is beyond `width`; innerWidth would not tell, since a phone zooms out of what is too wide."""
    assert await page.ask("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    assert await page.ask(TOO_WIDE.replace("WIDTH", str(width))) == []
    assert page.complaints == []


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
async def test_it_fits_and_can_be_read(page: Tab, tmp_path: Path, name: str, scheme: str, width: int) -> None:
    await page.open(written(tmp_path, PAGES[name]), width, scheme)
    (SHOTS / f"{name}-{scheme}-{width}.png").write_bytes(await page.screenshot())

    await check_layout(page, width)
    assert await page.ask(CONTRAST) == [], "text with a contrast below 4.5 (WCAG 2.2, 1.4.3)"


async def test_a_dark_page_is_dark(page: Tab, tmp_path: Path) -> None:
    url = written(tmp_path, QUIET)
    colours = []
    for scheme in ("light", "dark"):
        await page.open(url, WIDE, scheme)
        ground = await page.ask("getComputedStyle(document.body).backgroundColor")
        colours.append(sum(map(int, re.findall(r"\d+", ground))))

    assert colours[0] > 3 * 200
    assert colours[1] < 3 * 50


async def test_an_incident_is_seen_at_a_glance(page: Tab, tmp_path: Path) -> None:
    await page.open(written(tmp_path, INCIDENT), WIDE)

    seen = await text_of(page)

    assert "mx2 alone carries the mail" in await page.ask("document.title")
    for said in (
        "mx2 alone carries the mail mx1 is drained (canary, pending), not well",
        "The MX records of alias.example, shop.example are not the inventory's",
        "State drained: takes no new mail for 5 min",
        "messages, bad above 50 older than 1 min",
        "delay, bad above 120 s; bars: lost",
        "4 of 6",
        "rspamd ! left out for 7 min 9.8 s 83 %",
        "shop@alias.example 1 702",
        "10 mx2 20 mx1 not the inventory's order",
        "2026-03-14 09:21:41 mx1: drain canary, pending by the agent, 5 min ago",
        "mx2: hold ordered by anna: kernel update by an operator, 2 h 20 min ago",
    ):
        assert said in seen
    highest = await page.ask("document.querySelector('.legend tbody td:last-child').innerText")
    assert int(highest) > INCIDENT.pending_messages  # type: ignore[operator]


async def test_the_curves_are_in_their_frames(page: Tab, tmp_path: Path) -> None:
    await page.open(written(tmp_path, INCIDENT), WIDE)

    outside = await page.ask(
        """[...document.querySelectorAll(".plot svg")].flatMap(frame => {
             const box = frame.getBoundingClientRect();
             return [...frame.querySelectorAll("path")].map(path => path.getBoundingClientRect())
               .filter(path => path.width && (path.left < box.left - 4 || path.right > box.right + 4
                 || path.top < box.top - 4 || path.bottom > box.bottom + 4));
           }).length"""
    )
    drawn = await page.ask("document.querySelectorAll('.plot svg .curve').length")

    assert outside == 0
    assert drawn == 6, "two hosts in three charts"
    assert await page.ask("document.querySelectorAll('.plot svg .lost').length") == 1


async def test_a_silent_peer_is_not_taken_for_a_well_one(page: Tab, tmp_path: Path) -> None:
    await page.open(written(tmp_path, SILENT), WIDE)

    seen = await text_of(page)

    assert "mx1 alone carries the mail mx2 has been silent for 14 min" in seen
    assert "Silent for 14 min. Below is what it said last." in seen
    assert await page.ask("document.querySelector('.stale .mark.good, .stale .chip.good')?.outerHTML") is None
    assert "mx2: not known, silent" in seen


async def test_a_peer_that_says_markup_is_shown_saying_it(page: Tab, tmp_path: Path) -> None:
    bad = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    view = View("mx1", QUIET.at, [QUIET.hosts[0].__class__(bad, phase=bad, cause=bad, bad=[bad])])

    await page.open(written(tmp_path, view), PHONE)

    assert "owned" not in (await page.ask("document.title"))[:5]
    assert await page.ask("document.scripts.length + document.images.length") == 0
    assert bad[:40] in await text_of(page)
    await check_layout(page, PHONE)


async def test_it_can_be_printed(page: Tab, tmp_path: Path) -> None:
    await page.open(written(tmp_path, INCIDENT), WIDE, "dark")

    printed = await page.pdf()

    assert printed.startswith(b"%PDF")
    (SHOTS / "incident.pdf").write_bytes(printed)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2


@pytest.mark.parametrize("url", LIVE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
async def test_the_page_of_an_agent_that_runs(page: Tab, url: str, scheme: str, width: int) -> None:
    await page.open(url, width, scheme)
    name = f"live-{urllib.parse.urlsplit(url).hostname}-{scheme}-{width}.png"
    (SHOTS / name).write_bytes(await page.screenshot())

    await check_layout(page, width)
    assert await page.ask(CONTRAST) == []
    seen = await text_of(page)
    for said in ("State", "Inbound queue", "Outbound queue", "Canary", "Spam engines", "MX records now"):
        assert said in seen
    assert await page.ask("document.querySelectorAll('.hosts article').length") >= len(LIVE)
