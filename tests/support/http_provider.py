"""An HTTP provider, a message for it, and made-up answers of a gateway."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr
from requests import PreparedRequest
from requests import Response as Answer

from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.http import HttpProvider
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.http.client import make_request, make_response
from tests.support.clock import FakeClock

NUMBER = "+4917012345678"
NOW = 1_800_000_000.0


def provider(**settings: Any) -> HttpProvider:
    given = {"provider": "http", "URL": "http://gateway.example/send", **settings}
    return HttpProvider(GatewayContext("g", FakeClock(NOW)), HttpSettings.model_validate(given))


def sms(otp: str = "123456") -> Message:
    return Message(
        reference="ref",
        user="bob",
        number=parse_number(NUMBER, None),
        otp=SecretStr(otp),
        sentence=SecretStr(f"Your code is {otp}"),
        expires=NOW + 300,
    )


def compose(otp: str = "123456", **settings: Any) -> PreparedRequest:
    return provider(**settings).compose(sms(otp))


def query(request: PreparedRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url or "").query, keep_blank_values=True, strict_parsing=True))


def write(request: PreparedRequest) -> str:
    assert isinstance(request.body, bytes)
    return request.body.decode()


def body(request: PreparedRequest) -> Any:
    return json.loads(write(request))


def answer(
    status: int = 200, text: str = "OK", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Answer:
    return make_response(
        status, headers or {}, text.encode(), make_request(method, "http://gateway.example/", {})
    )
