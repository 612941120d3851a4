"""What a person sees and does on the inbox page."""

import re
import smtplib
import urllib.error
import urllib.request
import xmlrpc.client
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from tests.browser.messages import NUMBER, put, rows


def put_smpp(inbox: Inbox) -> None:
    part = {
        "source_addr": "smsotp",
        "dest_addr_ton": 1,
        "data_coding": 8,
        "short_message": "0031",
        "tlvs": {},
    }
    wire = {"system_id": "smpp-user", "sender": "smsotp", "message_ids": ["1000000a"], "parts": [part]}
    inbox.add(gateway="smpp", protocol="smpp", number="491701234567", text="1", segments=1, wire=wire)


def test_a_message_appears_when_it_arrives_and_the_page_does_not_ask_for_it(
    open_page: Any, gateways: dict[str, Gateway]
) -> None:
    page = open_page()
    expect(page.locator("#empty")).to_contain_text(gateways["http"].address)

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    urllib.request.urlopen(
        f"{gateways['http'].address}/sms?to=%2B491701234567&text=Your+code+is+734921"
    ).close()
    rows(page).first.wait_for()

    expect(rows(page)).to_contain_text(
        [re.compile(rf"\{NUMBER}.*http.*1 segment.*Your code is 734921.*734921")]
    )
    assert asked == []


class TestDetail:
    """One message in full, as it came."""

    @staticmethod
    def opened(page: Page) -> Any:
        rows(page).first.locator(".open").click()
        page.locator(".wire-head").wait_for()
        return page.locator("#detail")

    def test_http_is_shown_as_a_request(self, open_page: Any, gateways: dict[str, Gateway]) -> None:
        page = open_page()
        url = f"{gateways['http'].address}/sms"
        urllib.request.urlopen(url, b"to=%2B491701234567&text=Your+code+is+123456").close()

        detail = self.opened(page)

        expect(detail.get_by_label("HTTP request", exact=True)).to_contain_text("POST /sms HTTP/1.1")
        expect(detail.locator("dl").last).to_contain_text("textYour code is 123456")

    def test_sipgate_is_shown_as_xml(self, open_page: Any, gateways: dict[str, Gateway]) -> None:
        page = open_page()
        url = gateways["sipgate"].address.replace("://", "://sipgate-user:sipgate-password@")
        with xmlrpc.client.ServerProxy(url) as server:
            call = {
                "RemoteUri": "sip:491701234567@sipgate.net",
                "TOS": "text",
                "Content": "Code <b>123456</b>",
            }
            server.samurai.SessionInitiate(call)

        detail = self.opened(page)

        expect(detail.locator(".sms")).to_have_text("Code <b>123456</b>")
        expect(detail.get_by_label("XML-RPC call", exact=True)).to_contain_text(
            "<methodName>samurai.SessionInitiate</methodName>"
        )

    def test_smtp_is_shown_as_envelope_and_source(self, open_page: Any, gateways: dict[str, Gateway]) -> None:
        page = open_page()
        host, port = gateways["smtp"].address.removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.sendmail("otp@example.com", [f"{NUMBER}@example.com"], "Subject: x\r\n\r\n123456")

        detail = self.opened(page)

        expect(detail.locator("dl").last).to_contain_text(f"RCPT TO{NUMBER}@example.com")
        expect(detail.get_by_label("Mail source", exact=True)).to_contain_text("Subject: x\n\n123456")

    def test_smpp_is_shown_as_fields(self, open_page: Any, smsotp_inbox: Inbox) -> None:
        page = open_page()
        put_smpp(smsotp_inbox)

        detail = self.opened(page)

        expect(detail.locator("dl").last).to_contain_text("data_coding8 (UCS-2)")
        expect(detail.locator("dl").last).to_contain_text("dest_addr_ton1 (international)")

    def test_a_receipt_that_nobody_can_send_is_said_so(self, open_page: Any, smsotp_inbox: Inbox) -> None:
        page = open_page()
        put_smpp(smsotp_inbox)

        self.opened(page).get_by_role("button", name="Send").click()

        expect(page.locator("#told")).to_have_text("No gateway here knows message #1 any more.")


def test_search_finds_numbers_texts_and_codes(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox, "Grüße", "+43660")
    put(smsotp_inbox)
    page = open_page()
    expect(rows(page)).to_have_count(2)

    for wanted, number in (("GRÜSSE", "+43660"), ("0170 123", NUMBER), ("123456", NUMBER)):
        page.get_by_role("searchbox").fill(wanted)
        expect(rows(page).locator(".number")).to_have_text([number])
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#count")).to_have_text("0 messages found")


def test_a_message_that_comes_during_a_search_is_shown_only_if_it_is_found(
    open_page: Any, smsotp_inbox: Inbox
) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("654321")
    put(smsotp_inbox)
    put(smsotp_inbox, "Your code is 654321")

    expect(rows(page).locator(".text")).to_have_text(["Your code is 654321"])


def test_the_messages_of_one_gateway_can_be_shown(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    put(smsotp_inbox, gateway="twilio")
    page = open_page()

    page.get_by_label("Show the messages of").select_option("twilio")

    expect(rows(page).locator(".gateway")).to_have_text(["twilio"])


def test_a_fault_is_switched_on_and_off_and_its_state_is_seen(
    open_page: Any, gateways: dict[str, Gateway]
) -> None:
    page = open_page()
    state = page.locator(".state[data-kind=smtp]")
    expect(state).to_have_text("smtpworking")

    state.click()
    page.get_by_label("Fault of smtp").select_option("throttle")
    expect(page.locator("#card-smtp .badge")).to_have_text("faulty")
    page.get_by_label("Rule for smtp").fill("smtp-reply 450 at rcpt once")
    page.keyboard.press("Enter")
    expect(page.locator("#card-smtp .rules li")).to_have_count(2)
    assert [it.rule.fault.action for it in gateways["smtp"].faults.list()] == ["throttle", "smtp-reply"]

    page.locator("#card-smtp").get_by_role("button", name="Switch faults off").click()
    expect(page.locator("#card-smtp .rules li")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(state).to_have_text("smtpworking")
    assert gateways["smtp"].faults.list() == ()


def test_a_fault_that_a_test_sets_shows_on_the_page(open_page: Any, gateways: dict[str, Gateway]) -> None:
    page = open_page()
    gateways["http"].faults.add("lose once")

    expect(page.locator(".state[data-kind=http]")).to_have_text("httplose once")
    urllib.request.urlopen(f"{gateways['http'].address}/sms?to=%2B49170&text=1").close()
    expect(page.locator(".state[data-kind=http]")).to_have_text("httpworking")


def test_a_wrong_rule_is_explained(open_page: Any) -> None:
    page = open_page()
    page.locator(".state[data-kind=http]").click()
    page.get_by_label("Rule for http").fill("explode")
    page.keyboard.press("Enter")

    expect(page.locator("#told")).to_contain_text("There is no fault 'explode'. The words are: delay, hang")


def test_clear_empties_every_open_page(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    pages = [open_page(), open_page()]
    for page in pages:
        expect(rows(page)).to_have_count(1)

    pages[0].get_by_role("button", name="Clear").click()

    for page in pages:
        expect(page.locator("#empty")).to_be_visible()
        expect(page.locator("#empty")).to_contain_text("No messages yet")
    assert len(smsotp_inbox) == 0


def test_all_can_be_done_by_keyboard(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox, "first 111111")
    put(smsotp_inbox, "second 222222")
    page = open_page()
    expect(rows(page)).to_have_count(2)

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .big-code output")).to_have_text("111111")
    page.keyboard.press("c")
    expect(page.locator("#told")).to_have_text("Code 111111 copied")
    assert page.evaluate("navigator.clipboard.readText()") == "111111"
    page.keyboard.press("Escape")
    expect(page.locator("#detail .big-code")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#rows [aria-current=true] .text")).to_have_text("second 222222")
    page.keyboard.press("/")
    page.keyboard.type("first")
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(2)


def test_the_code_is_copied_by_one_press(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    page = open_page()

    page.get_by_role("button", name="Copy code 123456").click()

    expect(page.locator("#told")).to_have_text("Code 123456 copied")
    assert page.evaluate("navigator.clipboard.readText()") == "123456"


def test_markup_in_a_message_stays_text(open_page: Any, smsotp_inbox: Inbox) -> None:
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e123456'
    put(smsotp_inbox, evil, evil)
    page = open_page()
    rows(page).first.locator(".open").click()

    expect(page.locator("#detail .sms")).to_have_text(evil.replace("\u202e", "\\u202e"))
    assert page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_one_thing_at_a_time(open_page: Any, smsotp_inbox: Inbox, *, dark: bool) -> None:
    put(smsotp_inbox, "A text that is longer than the line of a phone can be, with the code 123456 in it")
    page = open_page(width=390, height=844, dark=dark)
    rows(page).first.wait_for()
    overflow = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(overflow)

    rows(page).first.locator(".open").click()
    expect(page.locator("#detail .sms")).to_be_in_viewport()
    assert not page.evaluate(overflow)
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#detail .sms")).to_have_count(0)
    page.locator(".state[data-kind=smpp]").click()
    expect(page.get_by_label("Fault of smpp")).to_be_in_viewport()
    assert not page.evaluate(overflow)


def test_ten_thousand_messages_stay_usable(open_page: Any, smsotp_inbox: Inbox) -> None:
    for number in range(10_000):
        put(smsotp_inbox, f"Your code is {100_000 + number}", f"+49170{number:07}")
    page = open_page()
    expect(page.locator("#count")).to_have_text("10,000 messages")
    assert rows(page).count() < 60

    page.get_by_role("searchbox").fill("100007")
    expect(rows(page).locator(".text")).to_have_text(["Your code is 100007"])
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#count")).to_have_text("10,000 messages")
    page.evaluate("document.querySelector('#scroller').scrollTop = 1e9")
    expect(page.locator("#rows li").last).to_contain_text("Your code is 100000")
    assert rows(page).count() < 60


def test_a_burst_is_shown_whole(open_page: Any, smsotp_inbox: Inbox) -> None:
    page = open_page()
    for _ in range(3000):
        put(smsotp_inbox)

    expect(page.locator("#count")).to_have_text("3,000 messages")
    expect(rows(page).first).to_have_attribute("data-id", "3000")


def test_the_page_says_when_the_gateways_are_gone_and_comes_back(
    open_page: Any, server: Any, smsotp_inbox: Inbox
) -> None:
    page = open_page()
    server.stop()
    expect(page.locator("#live")).to_have_text("not connected")
    put(smsotp_inbox)
    server.start()

    expect(page.locator("#live")).to_have_text("live")
    expect(rows(page)).to_have_count(1)


def test_everything_that_can_be_pressed_has_a_name(open_page: Any, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    put_smpp(smsotp_inbox)
    page = open_page()
    rows(page).first.locator(".open").click()
    page.locator(".wire-head").wait_for()
    page.locator(".state").first.click()

    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, pre[tabindex]")]
           .filter((it) => !(it.getAttribute("aria-label") || it.textContent).trim())
           .map((it) => it.outerHTML)"""
    )
    assert nameless == []


class TestRefusals:
    def test_a_refused_request_is_counted_at_once_and_shown_with_its_reason_and_answer(
        self, open_page: Any, gateways: dict[str, Gateway]
    ) -> None:
        page = open_page()
        expect(page.locator("#refused")).to_be_hidden()

        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{gateways['http'].address}/sms?text=123456")
        refused.value.close()
        host, _, port = gateways["smtp"].address.removeprefix("smtp://").partition(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.docmd("EHLO me")
            client.docmd("MAIL FROM:<a@b> SIZE=999999999")

        expect(page.locator("#refused")).to_have_text("2 refused")
        page.locator("#refused").click()
        mail, http = page.locator("#refusal-list li").all()
        expect(mail).to_contain_text("552 5.3.4 Message size exceeds")
        expect(http).to_contain_text("no phone number found")
        expect(http).to_contain_text("Answered: 400 ERROR no phone number found")
        http.locator("summary").click()
        expect(http.locator("pre")).to_contain_text("/sms?text=123456")

    def test_what_was_refused_is_text_and_never_markup(
        self, open_page: Any, gateways: dict[str, Gateway]
    ) -> None:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{gateways['http'].address}/sms?to=%3Cimg%20src=x%3E")
        refused.value.close()
        page = open_page(width=400)

        page.locator("#refused").click()
        page.locator("#refusal-list summary").click()

        expect(page.locator("#refusal-list pre")).to_contain_text("%3Cimg")
        assert page.locator("#refusal-list img").count() == 0
