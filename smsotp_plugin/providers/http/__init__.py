"""
The provider ``http``: a gateway that takes an SMS as one GET or POST request.

The parameters are those of the gateway's own documentation, as options. Well-known APIs (`smsotp_plugin.providers.http.apis`)
are recognised by their URL, or named with ``preset``: then their number format and their errors are known.
"""

from typing import ClassVar

from requests import PreparedRequest

from smsotp_plugin.errors import ProtocolViolation, Refused
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings
from smsotp_plugin.providers.http.parameters import Filling
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.providers.judging import Reply, judge_cut_off
from smsotp_plugin.providers.web import WebProvider
from smsotp_plugin.sms.message import Message, Receipt


class HttpProvider(WebProvider[HttpSettings]):
    """Sends each SMS as one HTTP request."""

    Settings: ClassVar[type[GatewaySettings]] = HttpSettings

    def __init__(self, context: GatewayContext, settings: HttpSettings) -> None:
        self._maker = settings.maker
        self._api = self._maker.api
        if self._api:
            self.number_format = self._api.number_format
        super().__init__(context, settings, settings.origin)

    def compose(self, message: Message) -> PreparedRequest:
        """Fill the templates."""
        return self._maker.compose(
            Filling(
                phone=self.written_number(message.number),
                otp=message.otp.get_secret_value(),
                sentence=message.sentence.get_secret_value(),
            )
        )

    def read(self, reply: Reply) -> Receipt:
        """Ask the API first, which knows its own errors; then the status and the texts of the settings."""
        settings, text = self.settings, reply.text
        receipt = self._api.judge(reply) if self._api else None
        if reply.status not in settings.RETURN_STATUS:
            raise reply.error()
        if settings.RETURN_FAIL and settings.RETURN_FAIL in text:
            raise Refused("the answer contains the text of RETURN_FAIL")
        if settings.RETURN_SUCCESS and settings.RETURN_SUCCESS not in text:
            if not text.strip():
                raise ProtocolViolation("the answer is empty: neither RETURN_SUCCESS nor an error")
            raise Refused("the answer does not contain the text of RETURN_SUCCESS")
        if settings.RETURN_FAIL and not (settings.RETURN_SUCCESS or receipt) and reply.cut_off:
            raise judge_cut_off(reply)
        return receipt or Receipt()
