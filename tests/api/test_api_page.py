"""docs/mocks-api.md is held against the API."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.messages import InboxEvent
from smsotp_mocks.page.server import InboxPage, load_openapi_document

PAGE = (Path(__file__).parents[2] / "docs/mocks-api.md").read_text()
PATHS = load_openapi_document()["paths"]


def test_every_call_and_no_other_stands_in_the_table() -> None:
    calls = {f"{method.upper()} {path}" for path, methods in PATHS.items() for method in methods}

    assert set(re.findall(r"^\| `([A-Z]+ /api/\S+)` \|", PAGE, re.MULTILINE)) == calls


@pytest.mark.parametrize("path", ["/api/messages", "/api/wait", "/api/events"])
def test_every_parameter_stands_on_the_page(path: str) -> None:
    names = [parameter["name"] for parameter in PATHS[path]["get"]["parameters"]]

    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_page_and_the_document_name_the_same_events() -> None:
    (told,) = re.findall(r"## Events\n\n(.*?) With `since`", PAGE, re.DOTALL)
    described = PATHS["/api/events"]["get"]["description"]
    kinds = {*get_args(get_type_hints(InboxEvent)["kind"]), "ready", "faults"}

    assert {kind for kind in kinds if f"`{kind}`" in told} == kinds
    assert {kind for kind in kinds if f"`{kind}`" in described} == kinds


def test_the_example_runs(page: InboxPage, gateways: dict[str, Gateway]) -> None:
    example, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    exec(
        compile(example, "docs/mocks-api.md", "exec"), {"page": page.url, "gateway": gateways["http"].address}
    )
