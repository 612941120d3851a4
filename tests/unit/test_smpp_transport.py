"""What is under SMPP sessions: a socket, its bell, and a thread that may end while somebody comes."""

import resource
import socket
from collections.abc import Callable
from random import Random

import pytest

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import ConnectFailed, NoThread
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.wire.smpp.link import SmppLink
from smsotp_plugin.wire.smpp.transport import SmppTransport, SmscAddress
from tests.support.interruption import interrupt_at_each_step, is_kept_waiting, no_further_thread


def make_provider(port: int = 1) -> SmppProvider:
    settings = SmppSettings(
        provider="smpp", SMSC_HOST="127.0.0.1", SMSC_PORT=port, SYSTEM_ID="me", PASSWORD="word"
    )
    return SmppProvider(GatewayContext("mine", SystemClock(), Random(1)), settings)


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


def test_who_comes_while_the_session_ends_waits_for_nothing() -> None:
    # Takes connections and never says a word.
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        port = silent.getsockname()[1]

        def come() -> tuple[Callable[[], str], Callable[[], None]]:
            provider = make_provider(port)
            provider.open()

            def submit() -> str:
                deadline = Deadline.after(0.2, provider.context.clock)
                with pytest.raises(ConnectFailed) as failed:
                    provider.probe(deadline)
                provider.close()
                return str(failed.value)

            return submit, provider.close

        *told, alone = interrupt_at_each_step(SmppLink._put, come)

    assert {*told} == {"the gateway is closed"}
    assert alone == f"no session with 127.0.0.1:{port} in time"
