"""Messages for the inbox page, and where they are on it."""

from typing import Any

from playwright.sync_api import Page

from smsotp_mocks.inbox.inbox import Inbox

NUMBER = "+491701234567"


def put(inbox: Inbox, text: str = "Your code is 123456", number: str = NUMBER, gateway: str = "http") -> None:
    request = {"method": "GET", "target": "/sms?to=1&text=2", "headers": [["Host", "x"]], "body": ""}
    wire = {"face": gateway, "sender": "", "request": request}
    inbox.add(gateway=gateway, protocol="http", number=number, text=text, segments=1, wire=wire)


def rows(page: Page) -> Any:
    return page.locator("#rows li")
