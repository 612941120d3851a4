"""
HTTP APIs that are known: recognised by their URL, and offered as presets.

Not providers: all of them are spoken by the provider ``http``. A further one is a module here and a line in `APIS`.
"""

from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.apis.clickatell import CLICKATELL
from smsotp_plugin.providers.http.apis.gtx import GTX
from smsotp_plugin.providers.http.apis.twilio import TWILIO

APIS: dict[str, HttpApi] = {api.name: api for api in (CLICKATELL, GTX, TWILIO)}


def recognise(host: str, path: str, names: frozenset[str]) -> HttpApi | None:
    """
    Return the API that a URL leads to, wherever its host is: a mock has the same path.

    Args:
        host: In lower case.
        path: Without the query.
        names: The names of the parameters that are sent.
    """
    return next((api for api in APIS.values() if api.recognises(host, path, names)), None)
