"""Ready-to-paste gateway configuration for the faces of the HTTP mock."""

from typing import Any

from smsotp_mocks.gateways.accounts import Accounts


def make_http_configuration(url: str, accounts: Accounts, trust: dict[str, str]) -> dict[str, dict[str, Any]]:
    """
    Return the TOML tables, by dotted name, of one gateway for each face.

    Args:
        url: Scheme, address and port of the mock.
        accounts: Whose credentials are filled in.
        trust: Settings that make the plugin trust its certificate.
    """
    tables = _make_plain(url, accounts) | _make_clickatell(url, accounts) | _make_gtx(url, accounts)
    tables |= _make_twilio(url, accounts)
    return {name: values if name.endswith(".options") else values | trust for name, values in tables.items()}


def _make_plain(url: str, accounts: Accounts) -> dict[str, dict[str, Any]]:
    plain = {"provider": "http", "URL": f"{url}/sms", "HTTP_METHOD": "POST", "RETURN_SUCCESS": "OK"}
    if accounts.plain_username is not None:
        plain |= {"USERNAME": accounts.plain_username, "PASSWORD": accounts.plain_password}
    return {"gateways.http": plain, "gateways.http.options": {"to": "{phone}", "text": "{otp}"}}


def _make_clickatell(url: str, accounts: Accounts) -> dict[str, dict[str, Any]]:
    return {
        "gateways.clickatell": {
            "provider": "http",
            "URL": f"{url}/http/sendmsg",
            "HTTP_METHOD": "GET",
            "RETURN_SUCCESS": "ID:",
            "REGEXP": "/^[+]//",
        },
        "gateways.clickatell.options": {
            "user": accounts.clickatell_user,
            "password": accounts.clickatell_password,
            "api_id": accounts.clickatell_api_id,
            "text": "Your OTP value is {otp}",
            "to": "{phone}",
        },
    }


def _make_gtx(url: str, accounts: Accounts) -> dict[str, dict[str, Any]]:
    return {
        "gateways.gtx": {
            "provider": "http",
            "URL": f"{url}/smsc.php",
            "HTTP_METHOD": "GET",
            "RETURN_SUCCESS": "200 OK",
            "REGEXP": "/^[+]//",
        },
        "gateways.gtx.options": {
            "user": accounts.gtx_user,
            "pass": accounts.gtx_password,
            "to": "{phone}",
            "text": "Your OTP value is {otp}",
        },
    }


def _make_twilio(url: str, accounts: Accounts) -> dict[str, dict[str, Any]]:
    return {
        "gateways.twilio": {
            "provider": "http",
            "URL": f"{url}/2010-04-01/Accounts/{accounts.twilio_sid}/Messages",
            "HTTP_METHOD": "POST",
            "USERNAME": accounts.twilio_sid,
            "PASSWORD": accounts.twilio_token,
        },
        "gateways.twilio.options": {"From": "+15005550006", "Body": "{otp}", "To": "{phone}"},
    }
