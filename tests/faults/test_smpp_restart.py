"""An SMSC that is restarted while messages are queued: each is sent once or reported, none is lost."""

import threading
from collections import Counter
from queue import Empty, Queue

from pydantic import SecretStr

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import NotSent, Unknown
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.providers.smpp.settings import SmppSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

CLOCK = SystemClock()
MESSAGES = 1000
WINDOW = 10


def message(text: str) -> Message:
    return Message(
        text,
        "bob",
        parse_number("+491701234567", None),
        SecretStr(text),
        SecretStr(text),
        CLOCK.time() + 300,
    )


class Senders:
    """Empties a queue as the dispatcher does: what was certainly not sent is tried again, nothing else."""

    def __init__(self, provider: SmppProvider) -> None:
        self.provider = provider
        self.waiting: Queue[str] = Queue()
        self.taken: Queue[str] = Queue()
        self.unknown: Queue[str] = Queue()
        self.some_taken = threading.Event()

    def send_all(self, texts: list[str]) -> list[threading.Thread]:
        for text in texts:
            self.waiting.put(text)
        threads = [threading.Thread(target=self._work) for _ in range(WINDOW)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self) -> None:
        while True:
            try:
                text = self.waiting.get_nowait()
            except Empty:
                return
            try:
                self.provider.submit(message(text), Deadline.after(10, CLOCK))
                self.taken.put(text)
            except NotSent:
                self.waiting.put(text)
            except Unknown:
                self.unknown.put(text)
            if self.taken.qsize() >= MESSAGES // 5:
                self.some_taken.set()


def test_a_restart_in_mid_stream_loses_nothing_and_doubles_nothing() -> None:
    inbox = Inbox()
    texts = [f"{number:06} is your code" for number in range(MESSAGES)]
    with Smsc(inbox) as smsc:
        table = {**smsc.configuration()["gateways.smpp"], "WINDOW": WINDOW, "TIMEOUT": 5}
        provider = SmppProvider(GatewayContext("restart", CLOCK), SmppSettings.model_validate(table))
        provider.open()
        senders = Senders(provider)
        threads = senders.send_all(texts)
        assert senders.some_taken.wait(20)

        smsc.stop()
        smsc.start()

        for thread in threads:
            thread.join()
        provider.close()

    arrived = Counter(received.text for received in inbox.messages())
    taken, unknown = set(senders.taken.queue), set(senders.unknown.queue)
    assert set(arrived.values()) == {1}
    assert taken <= set(arrived)
    assert set(arrived) - taken <= unknown
    assert taken | unknown == set(texts)
    assert len(unknown) <= WINDOW
