"""What an HTTP gateway needs, and what is allowed there but probably not meant."""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.template import GATEWAY_TAGS, Template
from smsotp_plugin.fields.tls import CheckSslSetting
from smsotp_plugin.fields.web import ProxySetting, WebAddress, WebAddressSetting, read_web_address
from smsotp_plugin.fields.yes_no import YesNoSetting
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.providers.http.apis import APIS, recognise
from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.mistakes import find_mistakes
from smsotp_plugin.providers.http.parameters import (
    FieldSetting,
    HeaderName,
    HeaderSetting,
    Misplaced,
)
from smsotp_plugin.providers.http.request import RequestMaker, make_headers
from smsotp_plugin.wire.http.client import Origin, basic_auth

Seconds = Annotated[float, Field(ge=0.1, le=120)]
Status = Annotated[int, Field(ge=200, le=299)]


#: Names that gateways give to parameters that hold a secret.
_SECRET_NAME = re.compile(
    r"pass|pwd|pin$|secret|token|key|auth|sign|hash|credential|api_?id|sid$", re.IGNORECASE
)


def _uppercase(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class HttpSettings(GatewaySettings):
    """
    What a gateway behind HTTP needs. A parameter with an empty text counts as not set.

    Attributes:
        preset: ``clickatell``, ``gtx`` or ``twilio``: brings URL, method, number format and parameters.
        URL: Address of the gateway, ``http`` or ``https``. Tags are filled, percent-encoded. May hold
            ``user:password@`` for basic authentication.
        HTTP_METHOD: ``GET`` or ``POST``; GET if neither this nor a preset says otherwise.
        USERNAME: For basic authentication, or for the preset's own parameters.
        PASSWORD: Belongs to USERNAME.
        RETURN_SUCCESS: Text that the answer must contain.
        RETURN_FAIL: Text that the answer must not contain.
        RETURN_STATUS: The HTTP statuses that mean that the SMS was accepted.
        PROXY: URL of an HTTP proxy for this gateway.
        HTTP_PROXY: The same, used instead of PROXY if URL begins with ``http:``.
        HTTPS_PROXY: The same, used instead of PROXY if URL begins with ``https:``.
        CHECK_SSL: ``true``, ``false``, or the path of a file or folder with the authorities to trust.
        CONNECT_TIMEOUT: Seconds for making a connection; within TIMEOUT.
        READ_TIMEOUT: Seconds without data while waiting for the answer; within TIMEOUT.
        SEND_DATA_AS_JSON: Sends the parameters of a POST as a JSON object instead of a form.
        PARAMETER: Fixed additional parameters.
        options: The gateway's own parameters; the tags ``{phone}`` and ``{otp}`` are filled.
        headers: Additional headers; tags are filled.
    """

    preset: Literal["clickatell", "gtx", "twilio"] | None = None
    URL: WebAddressSetting | None = Field(None, repr=False)
    HTTP_METHOD: Annotated[Literal["GET", "POST"], BeforeValidator(_uppercase)] | None = None
    USERNAME: str | None = None
    PASSWORD: SecretSetting | None = None
    RETURN_SUCCESS: str = ""
    RETURN_FAIL: str = ""
    RETURN_STATUS: frozenset[Status] = frozenset({200, 201, 202})
    PROXY: ProxySetting | None = None
    HTTP_PROXY: ProxySetting | None = None
    HTTPS_PROXY: ProxySetting | None = None
    CHECK_SSL: CheckSslSetting = True
    CONNECT_TIMEOUT: Seconds | None = None
    READ_TIMEOUT: Seconds | None = None
    SEND_DATA_AS_JSON: YesNoSetting = False
    PARAMETER: dict[str, FieldSetting] = Field({}, repr=False)
    options: dict[str, FieldSetting] = Field({}, repr=False)
    headers: dict[HeaderName, HeaderSetting] = Field({}, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _judge_together(cls, data: Any) -> Any:
        """Mark mistakes that lie in a combination of values, so that each is reported at its own key, with all others."""
        if not isinstance(data, dict):
            return data
        filled = {name: value for name, value in data.items() if value != "" or not name.isupper()}
        if data.get("PASSWORD") == "" and "USERNAME" in filled:
            filled["PASSWORD"] = ""
        marked = {
            name: dict(value)
            if name in ("PARAMETER", "options", "headers") and isinstance(value, dict)
            else value
            for name, value in filled.items()
        }
        for (table, name), advice in find_mistakes(filled):
            inside = marked if table is None else marked.setdefault(table, {})
            if isinstance(inside, dict):
                inside[name] = Misplaced(advice)
        return marked

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_marked(cls, value: Any) -> Any:
        if isinstance(value, Misplaced):
            raise ValueError(value.advice)  # noqa: TRY004  (pydantic collects ValueError only)
        return value

    @field_validator("PARAMETER", "options", "headers", mode="before")
    @classmethod
    def _want_a_table(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError('must be a table, written as { name = "value" }')  # noqa: TRY004  (as above)
        return value

    @field_validator("RETURN_STATUS", mode="before")
    @classmethod
    def _want_a_list(cls, value: Any) -> Any:
        if not isinstance(value, list | frozenset):
            raise ValueError("must be a list of statuses, such as [200, 201]")  # noqa: TRY004  (as above)
        return value

    @cached_property
    def maker(self) -> RequestMaker:
        """What the requests look like."""
        address = self._address()
        fields = {**self.PARAMETER, **self.options}
        preset = APIS[self.preset] if self.preset else None
        api = preset or recognise(address.host, address.path, frozenset(fields))
        if preset:
            fields = {**preset.fields, **self._find_credential_fields(preset), **fields}
        method = self.HTTP_METHOD or (preset.method if preset else "GET")
        as_json = self.SEND_DATA_AS_JSON and method == "POST"
        headers = make_headers(
            self.headers,
            method=method,
            as_json=as_json,
            authorization=self._make_authorization(address, preset),
        )
        base = Origin(address.scheme, address.host, address.port).url()
        target = GATEWAY_TAGS.read(address.target)
        return RequestMaker(address, base, target, method, as_json, fields, headers, api)

    @property
    def origin(self) -> Origin:
        """Where the gateway is, and how it is reached."""
        address = self.maker.address
        return Origin(
            address.scheme,
            address.host,
            address.port,
            proxy=self.proxy,
            check_tls=self.CHECK_SSL,
            connect_limit=self.CONNECT_TIMEOUT,
            read_limit=self.READ_TIMEOUT,
        )

    def passwords(self) -> Iterator[str]:
        """Yield the secrets, also those written in clear under a telling name, as the gateways' own examples do."""
        yield from super().passwords()
        for name, value in chain(self.PARAMETER.items(), self.options.items(), self.headers.items()):
            if isinstance(value, Template) and not value.tags and _SECRET_NAME.search(name):
                yield value.source

    @property
    def proxy(self) -> str | None:
        """The proxy for URL, if any."""
        proxy = self.PROXY
        if self.HTTP_PROXY or self.HTTPS_PROXY:
            proxy = self.HTTPS_PROXY if self.maker.address.scheme == "https" else self.HTTP_PROXY
        return proxy.get_secret_value() if proxy else None

    def problems(self) -> list[str]:
        """Return which tags are missing."""
        return [*super().problems(), *self.maker.find_missing_tags()]

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant."""
        return [*super().warnings(), *_find_warnings(self, self.maker)]

    def _address(self) -> WebAddress:
        if self.URL is not None:
            return self.URL
        assert self.preset is not None
        return read_web_address(APIS[self.preset].url.format(username=quote(self.USERNAME or "", safe="")))

    def _find_credential_fields(self, api: HttpApi) -> dict[str, Any]:
        if api.credentials is None or self.USERNAME is None:
            return {}
        user, password = api.credentials
        return {user: SecretStr(self.USERNAME), password: self.PASSWORD or SecretStr("")}

    def _make_authorization(self, address: WebAddress, preset: HttpApi | None) -> str | None:
        if address.username is not None:
            return basic_auth(address.username, address.password.get_secret_value())
        if self.USERNAME is None or self.PASSWORD is None or (preset and preset.credentials):
            return None
        return basic_auth(self.USERNAME, self.PASSWORD.get_secret_value())


def _find_warnings(settings: HttpSettings, maker: RequestMaker) -> Iterator[str]:
    """Yield complete sentences that begin with a key."""
    yield from _find_transport_warnings(settings, maker)
    yield from _find_answer_warnings(settings, maker)
    yield from maker.find_tag_warnings()
    if settings.SEND_DATA_AS_JSON and maker.method == "GET":
        yield "SEND_DATA_AS_JSON: has no effect with GET: parameters travel in the query. Set HTTP_METHOD to POST."
    if settings.PASSWORD is not None and settings.USERNAME is None and settings.preset is None:
        yield "PASSWORD: is not used without USERNAME."


def _find_transport_warnings(settings: HttpSettings, maker: RequestMaker) -> Iterator[str]:
    address = maker.address
    yield from address.explain_exposure(settings.CHECK_SSL)
    if settings.PROXY and (settings.HTTP_PROXY or settings.HTTPS_PROXY):
        yield "PROXY: is not used, because HTTP_PROXY or HTTPS_PROXY is filled."
    other, used = (
        ("HTTP_PROXY", "HTTPS_PROXY") if address.scheme == "https" else ("HTTPS_PROXY", "HTTP_PROXY")
    )
    if getattr(settings, other) and not getattr(settings, used):
        yield f"{other}: is not used, because URL begins with {address.scheme}; fill {used}."
    for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT"):
        if (getattr(settings, name) or 0) > settings.TIMEOUT:
            yield f"{name}: is longer than TIMEOUT, which ends the whole attempt."


def _find_answer_warnings(settings: HttpSettings, maker: RequestMaker) -> Iterator[str]:
    success, fail = settings.RETURN_SUCCESS, settings.RETURN_FAIL
    if success and fail:
        yield (
            "RETURN_FAIL: both texts are applied: an answer with this one is a failure, even where it holds "
            "RETURN_SUCCESS too."
        )
    if success and success == fail:
        yield "RETURN_SUCCESS: is the same as RETURN_FAIL: no SMS will ever count as sent."
    if maker.api is None and not success:
        yield (
            "RETURN_SUCCESS: is empty: the gateway's status alone says whether an SMS was taken, and many gateways "
            "report errors with the status of a success."
        )
    errors = [words for words in maker.api.error_words if success in words] if maker.api and success else []
    if errors:
        yield (
            f'RETURN_SUCCESS: this text is also in errors of the gateway, such as "{errors[0]}". They are told '
            f"apart here, because the URL is that of {maker.api.name if maker.api else ''}; elsewhere use a longer text."
        )
