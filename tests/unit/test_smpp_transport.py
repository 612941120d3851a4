"""The socket under an SMPP session, and its bell."""

import resource
from random import Random

import pytest

from smsotp_plugin.errors import ConnectFailed, NoThread
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.wire.smpp.transport import SmppTransport, SmscAddress
from tests.support.clock import FakeClock
from tests.support.interruption import is_kept_waiting, no_further_thread


def make_provider() -> SmppProvider:
    settings = SmppSettings(
        provider="smpp", SMSC_HOST="127.0.0.1", SMSC_PORT=1, SYSTEM_ID="me", PASSWORD="word"
    )
    return SmppProvider(GatewayContext("mine", FakeClock(), Random(1)), settings)


def test_a_bell_is_not_closed_while_another_thread_rings_it() -> None:
    transport = SmppTransport(SmscAddress("127.0.0.1", 1))

    # Its number would be free for any other file from there on.
    assert is_kept_waiting(transport.close, transport.wake, "send")
    transport.wake()


def test_a_session_without_descriptors_is_a_sentence_that_names_the_gateway() -> None:
    provider = make_provider()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(ConnectFailed) as refused:
            provider.open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    provider.close()

    assert str(refused.value) == "gateway mine: no session can be begun: Too many open files"


def test_a_session_without_a_thread_is_told_and_leaves_nothing_open() -> None:
    provider = make_provider()
    with no_further_thread(), pytest.raises(NoThread, match="no further thread can be started"):
        provider.open()

    provider.close()
