"""
Messages per second of the SMPP provider over one session, beside other ways to do the same, in one run.

    bench/providers_smpp.py [--messages N] [--rounds N]

The SMSC is a process of its own (`smsc_peer`) and answers at once, or after 20 ms. The ways are measured in turn, and
what counts is the ratio of their medians.
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import smpplib.client
import smpplib.smpp
from pydantic import SecretStr

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.message import Message
from smsotp_plugin.phone import parse_number
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.smpp_settings import SmppSettings
from smsotp_plugin.wire import smpp_pdu
from smsotp_plugin.wire.smpp_pdu import Address, Part, SubmitStyle, pack_pdu, pack_submit

_TEXT = "123456 is your code, valid for 5 minutes"
_NUMBER = "491701234567"
_WINDOW = 10


@contextlib.contextmanager
def running_smsc(delay: float) -> Iterator[int]:
    """Run the SMSC; yield its port."""
    command = [sys.executable, str(Path(__file__).with_name("smsc_peer.py")), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()


class _Numbers:
    """What smpplib asks for sequence numbers."""

    def __init__(self) -> None:
        self.sequence = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence


def _submit_arguments() -> dict[str, object]:
    return {
        "source_addr_ton": 5,
        "source_addr": "smsotp",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": _NUMBER,
        "validity_period": "000000000500000R",
        "registered_delivery": 1,
        "short_message": _TEXT.encode(),
    }


def _ignore(**_: object) -> None:
    """Take the place of smpplib's own handler, which logs a warning."""


def naive(port: int, messages: int) -> None:
    """Connect, bind, submit, read the answer, unbind: smpplib as its own example has it, with the answer awaited."""
    for _ in range(messages):
        client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
        client.set_message_sent_handler(_ignore)
        client.connect()
        client.bind_transceiver(system_id="bench", password="bench")
        client.send_message(**_submit_arguments())
        client.read_once()
        client.unbind()
        client.disconnect()


def pipelined(port: int, messages: int) -> None:
    """Keep a window full from one thread, with smpplib's codec: the best loop that its user can write."""
    numbers = _Numbers()

    def submit() -> bytes:
        pdu = smpplib.smpp.make_pdu("submit_sm", client=numbers, **_submit_arguments())
        return bytes(pdu.generate())

    def read(pdu: bytes) -> int:
        answer = smpplib.smpp.parse_pdu(pdu, client=numbers, allow_unknown_opt_params=True)
        assert answer.status == 0
        return int(answer.sequence)

    _keep_window_full(port, messages, submit, read)


def packed(port: int, messages: int) -> None:
    """Do the same with packed PDUs: what the wire and the SMSC allow."""
    numbers = _Numbers()
    style = SubmitStyle(b"", Address(5, 0, b"smsotp"), 1)
    recipient = Address(1, 1, _NUMBER.encode())
    part = Part(0, b"", _TEXT.encode())

    def submit() -> bytes:
        body = pack_submit(style, recipient, b"000000000500000R", part)
        return pack_pdu(smpp_pdu.SUBMIT_SM, numbers.next_sequence(), body)

    def read(pdu: bytes) -> int:
        return int.from_bytes(pdu[12:16], "big")

    _keep_window_full(port, messages, submit, read)


def _keep_window_full(
    port: int, messages: int, submit: Callable[[], bytes], read: Callable[[bytes], int]
) -> None:
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(pack_pdu(smpp_pdu.BIND_TRANSCEIVER, 0x7FFFFFFF, b"bench\0bench\0\0\x34\0\0\0"))
        connection.recv(65536)
        sent, outstanding = 0, set[int]()
        while sent < messages or outstanding:
            while sent < messages and len(outstanding) < _WINDOW:
                pdu = submit()
                outstanding.add(int.from_bytes(pdu[12:16], "big"))
                connection.sendall(pdu)
                sent += 1
            received += connection.recv(65536)
            while len(received) >= 16 and len(received) >= (length := int.from_bytes(received[:4], "big")):
                outstanding.remove(read(bytes(received[:length])))
                del received[:length]


def provider(port: int, messages: int) -> None:
    """Submit from as many threads as the window is wide, as the dispatcher does."""
    clock = SystemClock()
    settings = SmppSettings.model_validate(
        {
            "provider": "smpp",
            "SMSC_HOST": "127.0.0.1",
            "SMSC_PORT": port,
            "SYSTEM_ID": "bench",
            "PASSWORD": "bench",
            "S_ADDR": "smsotp",
            "WINDOW": _WINDOW,
        }
    )
    gateway = SmppProvider(GatewayContext("bench", clock), settings)
    message = Message(
        "bench",
        "bob",
        parse_number(f"+{_NUMBER}", None),
        SecretStr("123456"),
        SecretStr(_TEXT),
        clock.time() + 300,
    )

    def submit(count: int) -> None:
        for _ in range(count):
            gateway.submit(message, Deadline.after(10, clock))

    threads = [threading.Thread(target=submit, args=(messages // _WINDOW,)) for _ in range(_WINDOW)]
    gateway.open()
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gateway.close()


def measure(delay: float, messages: int, rounds: int) -> dict[str, float]:
    """Return the median of messages per second of each way."""
    ways = (naive, pipelined, packed, provider)
    rates: dict[str, list[float]] = {way.__name__: [] for way in ways}
    with running_smsc(delay) as port:
        for _ in range(rounds):
            for way in ways:
                count = messages // 20 if way is naive else messages
                began = time.perf_counter()
                way(port, count)
                rates[way.__name__].append(count / (time.perf_counter() - began))
    return {name: statistics.median(found) for name, found in rates.items()}


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="messages of each run")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each way")
    arguments = parser.parse_args()
    at_once = measure(0.0, arguments.messages, arguments.rounds)
    slowly = measure(0.02, max(500, arguments.messages // 5), arguments.rounds)
    limit = _WINDOW / 0.02
    print(f"{'messages per second':24}{'SMSC at once':>14}{'after 20 ms':>14}")
    for name, rate in at_once.items():
        print(f"{name:24}{rate:14.0f}{slowly[name]:14.0f}")
    print(
        f"provider / pipelined over smpplib's codec, at once: {at_once['provider'] / at_once['pipelined']:.2f}"
    )
    print(f"packed / smpplib's codec, the same loop: {at_once['packed'] / at_once['pipelined']:.1f}")
    print(f"provider / the window's limit of {limit:.0f}/s, after 20 ms: {slowly['provider'] / limit:.2f}")
    good = at_once["provider"] >= 0.9 * at_once["pipelined"] and slowly["provider"] >= 0.95 * limit
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
