"""The OpenAPI document is held against the server, by requests that schemathesis makes from it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis.checks import CHECKS

from smsotp_mocks.gateways.table import GATEWAYS, GatewaySetup
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.page.server import InboxPage, load_openapi_document

SLOW = ["/api/events", "/api/wait"]  # they wait by design; test_api.py holds them
schema = schemathesis.openapi.from_dict(load_openapi_document())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    inbox = Inbox()
    gateways = [start(inbox, GatewaySetup()) for start in GATEWAYS.values()]
    inbox.add(gateway="http", protocol="http", number="+49170", text="123456", segments=1, wire={})
    # The gateways need not listen: their rules, addresses and journals are what the API speaks of.
    with InboxPage(inbox, gateways) as page:
        yield page.url


def no_server_error(_: Any, response: Any, __: schemathesis.Case[Any]) -> None:
    # 501 is the right answer to a method such as TRACE (RFC 9110 section 15.6.2).
    assert response.status_code < 500 or response.status_code == 501


@schema.exclude(path=SLOW).parametrize()
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_server_does_what_the_document_says(url: str, case: schemathesis.Case[Any]) -> None:
    conformance = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")

    checks: list[Any] = [no_server_error, *(CHECKS.get_one(name) for name in conformance)]
    case.call_and_validate(base_url=url, checks=checks)


@pytest.mark.parametrize(
    ("status", "methods", "headers", "body"),
    [
        (421, {"get", "post", "delete"}, {"Host": "evil.example"}, b"{}"),
        (403, {"post", "delete"}, {"Origin": "http://evil.example"}, b"{}"),
        (413, {"post"}, {"Content-Type": "application/json"}, b"x" * 300_000),
    ],
)
def test_the_document_names_the_refusals_of_foreign_and_huge_requests(
    url: str, status: int, methods: set[str], headers: dict[str, str], body: bytes
) -> None:
    asked = [
        (method, path, operation["responses"])
        for path, operations in load_openapi_document()["paths"].items()
        for method, operation in operations.items()
        if method in methods
    ]
    for method, path, responses in asked:
        answer = requests.request(
            method, url + re.sub(r"\{\w+\}", "1", path[1:]), headers=headers, data=body, timeout=20
        )
        assert (answer.status_code, str(status) in responses) == (status, True), (method, path)


def test_the_document_names_every_route_and_no_other() -> None:
    page = InboxPage(Inbox())
    described = {
        (method.upper(), path)
        for path, methods in load_openapi_document()["paths"].items()
        for method in methods
    }

    assert described == {(operation.method, operation.path) for operation in page.operations}


def test_the_document_names_the_parameters_that_the_server_reads() -> None:
    listed = load_openapi_document()["paths"]["/api/messages"]["get"]["parameters"]

    assert [it["name"] for it in listed] == ["q", "number", "gateway", "since", "before", "limit"]
    assert all(re.fullmatch("[A-Z].*[.]", it["description"]) for it in listed)
