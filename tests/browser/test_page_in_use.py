"""What a person is doing on the inbox page goes on while messages, refusals and faults come."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, Route, expect

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from tests.browser.messages import put, rows

WITHOUT_CLIPBOARD = """
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    document.addEventListener("copy", () => { window.copied = document.activeElement.value; });
"""


@contextmanager
def again_and_again(do: Callable[[], None]) -> Iterator[None]:
    """Do something fifty times a second or so, in another thread."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.02):
            do()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def be_refused(gateway: Gateway) -> None:
    try:
        urllib.request.urlopen(f"{gateway.address}/sms?to=nobody&text=1", timeout=10).close()
    except urllib.error.HTTPError as refusal:
        refusal.close()


def test_a_search_finds_while_messages_keep_coming(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox, "sought 111111")
    page = open_page()

    with again_and_again(lambda: put(smsotp_inbox, "another 222222")):
        page.get_by_role("searchbox").fill("sought")
        expect(page.locator("#count")).to_have_text("1 message found")
        put(smsotp_inbox, "sought 333333")
        expect(page.locator("#count")).to_have_text("2 messages found")


def test_a_message_that_comes_while_the_list_is_read_is_kept(open_page: Any, smsotp_inbox: Inbox) -> None:
    held: list[tuple[Route, Any]] = []
    put(smsotp_inbox, "first 111111")
    page = open_page()
    page.locator("#filter").select_option("http")
    expect(page.locator("#count")).to_have_text("1 message found")
    page.route("**/api/messages?*", lambda route: held.append((route, route.fetch())))

    with page.expect_response("**/api/messages?*"):
        page.locator("#filter").select_option("")
        while not held:
            page.wait_for_function("true")
        put(smsotp_inbox, "second 222222")
        expect(rows(page)).to_have_count(2)
        route, answer = held.pop()
        route.fulfill(response=answer)
    put(smsotp_inbox, "third 333333")

    expect(rows(page).locator(".text")).to_have_text(["third 333333", "second 222222", "first 111111"])


def test_what_is_drawn_again_keeps_the_focus(open_page: Any, gateways: dict[str, Gateway]) -> None:
    plan = gateways["http"].faults
    plan.add("hang for +4911; hang for +4912; hang for +4913")
    page = open_page()
    state = page.locator(".state[data-kind=http]")
    state.focus()
    plan.add("hang for +4914")
    expect(state).to_have_text("httphang for +4911 and 3 more")
    expect(state).to_be_focused()

    page.keyboard.press("Enter")
    second = page.get_by_role("button", name="Remove hang for +4912 from http")
    second.focus()
    plan.add("hang for +4915")
    expect(page.locator("#card-http .rules li")).to_have_count(5)
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove hang for +4911 from http")).to_be_focused()
    assert [it.rule.number for it in plan.list()] == ["+4911", "+4913", "+4914", "+4915"]
    page.keyboard.press("Escape")
    expect(state).to_be_focused()


def test_a_rule_that_is_being_typed_survives_a_lost_connection(open_page: Any, server: Any) -> None:
    page = open_page()
    page.locator(".state[data-kind=http]").click()
    rule = page.get_by_label("Rule for http")
    rule.fill("throttle 3 ti")
    server.stop()
    expect(page.locator("#live")).to_have_text("not connected")
    server.start()
    expect(page.locator("#live")).to_have_text("live")

    rule.press_sequentially("mes")
    rule.press("Enter")
    expect(page.locator("#card-http .rules code")).to_have_text(["throttle 3 times"])


def test_a_refused_request_stays_open_when_another_is_refused(
    open_page: Any, gateways: dict[str, Gateway]
) -> None:
    be_refused(gateways["http"])
    page = open_page()
    page.locator("#refused").click()
    summary = page.locator("#refusal-list summary")
    summary.click()
    be_refused(gateways["http"])

    expect(page.locator("#refusal-list li")).to_have_count(2)
    expect(page.locator("#refusal-list details").nth(1)).to_have_attribute("open", "")
    expect(summary.nth(1)).to_be_focused()


def copy_without_clipboard(page: Page, name: str) -> str:
    page.evaluate(WITHOUT_CLIPBOARD)
    button = page.get_by_role("button", name=name)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("copied")
    expect(button).to_be_focused()
    return str(page.evaluate("window.copied"))


def test_a_page_that_may_not_use_the_clipboard_copies_codes(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)

    assert copy_without_clipboard(open_page(), "Copy code 123456") == "123456"


def test_a_page_that_may_not_use_the_clipboard_copies_addresses(
    open_page: Any, gateways: dict[str, Gateway]
) -> None:
    page = open_page()
    page.locator(".state[data-kind=http]").click()

    assert copy_without_clipboard(page, "Copy address of http") == gateways["http"].address


def test_what_lies_behind_a_message_on_a_phone_takes_no_focus(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    page = open_page(width=390, height=844)
    rows(page).first.locator(".open").click()
    page.locator("#detail .sms").wait_for()
    expect(page.get_by_role("searchbox")).to_be_hidden()

    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_be_visible()
    expect(rows(page).first.locator(".open")).to_be_focused()
