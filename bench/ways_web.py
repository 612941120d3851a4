"""Ways to send through HTTP, and through sipgate's XML-RPC: the plain libraries, and our providers."""

import xmlrpc.client
from functools import partial
from typing import Any

import requests
from provider_race import NUMBER, TEXT, THREADS, Way, race_in_parallel, send_through_provider

from smsotp_plugin.providers.http import HttpProvider
from smsotp_plugin.providers.sipgate import SipgateProvider

_FORM = {"to": f"+{NUMBER}", "text": TEXT}
_CALL = {"RemoteUri": f"sip:{NUMBER}@sipgate.net", "TOS": "text", "Content": TEXT}


def _post(session: Any, port: int, count: int) -> None:
    for _ in range(count):
        answer = session.post(f"http://127.0.0.1:{port}/sms", data=_FORM, timeout=3)
        assert "OK" in answer.text


def _post_with_a_session(port: int, count: int) -> None:
    with requests.Session() as session:
        session.trust_env = False
        _post(session, port, count)


def _call_with_a_new_proxy(port: int, count: int) -> None:
    for _ in range(count):
        _call_with_one_proxy(port, 1)


def _call_with_one_proxy(port: int, count: int) -> None:
    with xmlrpc.client.ServerProxy(f"http://bench:bench@127.0.0.1:{port}/RPC2") as server:
        for _ in range(count):
            answer: Any = server.samurai.SessionInitiate(_CALL)
            assert answer["StatusCode"] == 200


def _send_with_the_http_provider(port: int, messages: int) -> None:
    table = {
        "provider": "http",
        "URL": f"http://127.0.0.1:{port}/sms",
        "HTTP_METHOD": "POST",
        "RETURN_SUCCESS": "OK",
        "options": {"to": "{phone}", "text": TEXT.replace("123456", "{otp}")},
    }
    send_through_provider(HttpProvider, table, THREADS, messages)


def _send_with_the_sipgate_provider(port: int, messages: int) -> None:
    table = {
        "provider": "sipgate",
        "USERNAME": "bench",
        "PASSWORD": "bench",
        "URL": f"http://127.0.0.1:{port}/RPC2",
    }
    send_through_provider(SipgateProvider, table, THREADS, messages)


HTTP = (
    race_in_parallel("requests.post for each message", partial(_post, requests), 0.2),
    race_in_parallel("one requests.Session a thread", _post_with_a_session),
    Way("provider http", _send_with_the_http_provider),
)
SIPGATE = (
    race_in_parallel("ServerProxy for each message", _call_with_a_new_proxy, 0.2),
    race_in_parallel("one ServerProxy a thread", _call_with_one_proxy),
    Way("provider sipgate", _send_with_the_sipgate_provider),
)
