"""The page in Debian's Chromium. Without it these tests fail: apt-get install --no-install-recommends chromium."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.table import GATEWAYS
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.page.server import InboxPage

#: Milliseconds for which something is waited for that will happen.
PATIENCE = 60_000
SCREENSHOTS = Path(__file__).parent / "screenshots"
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"], timeout=PATIENCE
        )
        yield running
        running.close()


@pytest.fixture
def gateways(
    smsotp_http_gateway: Gateway,
    smsotp_sipgate_gateway: Gateway,
    smsotp_smtp_gateway: Gateway,
    smsotp_smpp_gateway: Gateway,
) -> dict[str, Gateway]:
    started = (smsotp_http_gateway, smsotp_sipgate_gateway, smsotp_smtp_gateway, smsotp_smpp_gateway)
    return dict(zip(GATEWAYS, started, strict=True))


@pytest.fixture
def server(smsotp_inbox: Inbox, gateways: dict[str, Gateway]) -> Iterator[InboxPage]:
    with InboxPage(smsotp_inbox, list(gateways.values())) as running:
        yield running


@pytest.fixture
def open_page(request: pytest.FixtureRequest, browser: Browser, server: InboxPage) -> Iterator[Open]:
    """Give a function that opens the page; errors of its scripts and refusals of its policy fail the test."""
    wrong: list[str] = []
    opened: list[Page] = []

    def open_(*, width: int = 1200, height: int = 800, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.goto(server.url)
        page.locator("#live[data-state=live]").wait_for()
        page.locator("#states .state").nth(3).wait_for()
        opened.append(page)
        return page

    yield open_
    SCREENSHOTS.mkdir(exist_ok=True)
    for number, page in enumerate(opened):
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png")
        page.context.close()
    assert wrong == []
