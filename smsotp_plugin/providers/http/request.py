"""Makes the requests to one HTTP gateway; everything that is the same for all messages is decided once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from requests import PreparedRequest

from smsotp_plugin.errors import BadMessage
from smsotp_plugin.fields.template import Template, explain_missing_tag
from smsotp_plugin.fields.web import WebAddress
from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.parameters import (
    Filling,
    Sentence,
    find_templates,
    is_header_value,
    list_form_pairs,
)
from smsotp_plugin.wire.http.client import make_request

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class RequestMaker:
    """
    What a gateway's requests look like.

    Attributes:
        address: Where they go.
        base: The same as a URL without path, as the wire has it.
        target: Path and query.
        method: ``GET`` or ``POST``.
        as_json: Whether the parameters travel as a JSON object; else as a query or a form.
        fields: The parameters, as `smsotp_plugin.providers.http.parameters` reads them.
        headers: Texts, templates and secrets by name.
        api: What is known of the gateway, or None.
    """

    address: WebAddress
    base: str
    target: Template = field(repr=False)
    method: str
    as_json: bool
    fields: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, Any] = field(repr=False)
    api: HttpApi | None

    def compose(self, filling: Filling) -> PreparedRequest:
        """
        Make the request for one message.

        Raises:
            BadMessage: A header cannot carry what would be filled in.
        """
        fields = {name: filling.fill(value) for name, value in self.fields.items()}
        if self.api:
            self.api.adapt(fields)
        headers = {name: self._fill_header(name, value, filling) for name, value in self.headers.items()}
        target = self._fill_target(filling)
        if self.method == "GET":
            if fields:
                target += ("&" if "?" in target else "?") + urlencode(list_form_pairs(fields))
            return make_request("GET", self.base + target, headers)
        body = json.dumps(fields) if self.as_json else urlencode(list_form_pairs(fields))
        return make_request("POST", self.base + target, headers, body.encode())

    def find_tag_warnings(self) -> Iterator[str]:
        """Yield a sentence for everything that looks like a tag but is none."""
        for place, template in self._list_texts():
            for problem in template.explain_unknown():
                yield f"{place}: {problem}."

    def find_missing_tags(self) -> Iterator[str]:
        """Yield a sentence for each tag that the request lacks and without which no SMS can come of it."""
        templates = [template for _, template in self._list_texts()]
        if phone := explain_missing_tag(templates, "phone"):
            yield f"options: {phone}, or the gateway is not told the number"
        sentence = any(isinstance(value, Sentence) for value in self.fields.values())
        if not sentence and (otp := explain_missing_tag(templates, "otp")):
            yield f"options: {otp}, or no SMS holds the code"

    def _list_texts(self) -> Iterator[tuple[str, Template]]:
        yield "URL", self.target
        for table, fields in (("options", self.fields), ("headers", self.headers)):
            for name, value in fields.items():
                for template in find_templates(value):
                    yield f"{table}.{name}", template

    def _fill_target(self, filling: Filling) -> str:
        """Fill the tags of the URL, in a form that can change neither its path nor its query."""
        if "{" not in self.target.source:
            return self.target.source
        filled = self.target.fill(phone=quote(filling.phone, safe=""), otp=quote(filling.otp, safe=""))
        return filled.replace("{", "%7B").replace("}", "%7D")

    def _fill_header(self, name: str, value: Any, filling: Filling) -> str:
        text: str = filling.fill(value)
        if isinstance(value, Template) and not is_header_value(text):
            raise BadMessage(f"the header {name} cannot carry the text: it is not one line of ASCII")
        return text


def make_headers(
    own: Mapping[str, Any], *, method: str, as_json: bool, authorization: str | None
) -> dict[str, Any]:
    """Return the headers of every request; the administrator's win over ours."""
    headers: dict[str, Any] = {
        "User-Agent": "smsotp",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if method == "POST":
        headers["Content-Type"] = _JSON if as_json else _FORM
    if authorization is not None:
        headers["Authorization"] = authorization
    written = {name.lower() for name in own}
    return {name: value for name, value in headers.items() if name.lower() not in written} | dict(own)
