"""
What every provider promises, written once. Each provider has one test module with a subclass that runs these tests.

The peer is a mock gateway on a real socket. The tests tell it what to do wrong; the mocks share no code with the plugin.
"""

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from smsotp_mocks.faults.plan import FaultPlan
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates, Kind
from smsotp_plugin.api import (
    AnswerTimeout,
    Clock,
    ConnectFailed,
    Deadline,
    DeliveryError,
    GatewayContext,
    Message,
    NotSent,
    ProtocolViolation,
    Provider,
    Receipt,
    Refused,
    SystemClock,
    Throttled,
    Unknown,
    parse_number,
)

NUMBER = "+491701234567"
CODE = "734921"
SENTENCE = f"{CODE} is your code"
#: Parts of the message that gateways repeat in their answers, in every form in which they write them.
REPEATED = (
    SENTENCE,
    CODE,
    f"id-{CODE}",
    f"{CODE[:3]}-{CODE[3:]}",
    " ".join(CODE),
    CODE.encode().hex(),
    SENTENCE.encode("utf-16-be").hex().upper(),
    base64.b64encode(SENTENCE.encode()).decode(),
    f"x{base64.urlsafe_b64encode(CODE.encode()).decode()}",
    "".join(f"%{ord(digit):02x}" for digit in CODE),
    "".join(f"&#{ord(digit)};" for digit in CODE),
    NUMBER,
    NUMBER.removeprefix("+"),
    f"00{NUMBER.removeprefix('+')}-77",
    f"0{NUMBER.removeprefix('+49')}",
    f"{NUMBER[:3]} ({NUMBER[3:6]}) {NUMBER[6:9]}/{NUMBER[9:]}",
    f"%2B{NUMBER.removeprefix('+')}",
    NUMBER.encode().hex(),
    base64.b64encode(NUMBER.encode()).decode(),
)
CLOCK: Clock = SystemClock()
#: Seconds to wait for something that will happen, on a machine that is busy with other things.
_PATIENCE = 30.0
#: Seconds to wait for something that will not happen. An earlier message has opened the connection, so only the next one has to
#: be written in this time.
_SILENCE = 0.6
AnyProvider = Provider[Any, Any, Any]


class MockGateway(Protocol):
    """What the contract needs from a mock; all gateways of `smsotp_mocks` have it."""

    faults: FaultPlan

    def stop(self) -> None:
        """Stop listening."""


def message(text: str = SENTENCE, number: str = NUMBER) -> Message:
    """Return an SMS with this text, whatever the provider's template is; the number is in E.164."""
    return Message(
        reference="contract",
        user="bob",
        number=parse_number(number, None),
        otp=SecretStr(text),
        sentence=SecretStr(text),
        expires=CLOCK.time() + 300,
    )


def within(seconds: float) -> Deadline:
    """Return a deadline; short ones are for peers that never answer."""
    return Deadline.after(seconds, CLOCK)


class ProviderContract:
    """
    The scenarios. A subclass names the provider, the mock that the provider speaks to, and the provider's settings::

        class TestAcme(ProviderContract):
            provider_class, mock_class = AcmeProvider, HttpGateway
            settings = staticmethod(lambda mock: {"URL": mock.url + "/sms"})

    If the mock or the provider is made in another way, override `serve` or `make` instead.
    """

    #: Whether the provider can speak TLS from the first byte, and has CHECK_SSL for it.
    speaks_tls = True
    #: The provider under test.
    provider_class: type[AnyProvider]
    #: A mock gateway, started as `mock_class(inbox, tls=...)`.
    mock_class: Callable[..., AbstractContextManager[Any]]

    @staticmethod
    def settings(mock: Any) -> dict[str, Any]:
        """Return the settings that lead to the started mock, as in the configuration but without CHECK_SSL."""
        raise NotImplementedError

    def serve(self, inbox: Inbox, tls: ssl.SSLContext | None) -> AbstractContextManager[Any]:
        """Return the mock gateway, not yet started."""
        return type(self).mock_class(inbox, tls=tls)

    def make(self, mock: Any, check_tls: bool | Path) -> AnyProvider:  # noqa: FBT001  (as in the settings)
        """
        Return a provider that sends through the mock.

        Args:
            mock: What `serve` returned, started.
            check_tls: As CHECK_SSL.
        """
        trust = check_tls if isinstance(check_tls, bool) else str(check_tls)
        settings = self.provider_class.Settings.model_validate(
            {"TIMEOUT": _PATIENCE, **self.settings(mock)} | ({"CHECK_SSL": trust} if self.speaks_tls else {})
        )
        return self.provider_class(GatewayContext("contract", CLOCK), settings)

    @pytest.fixture
    def inbox(self) -> Inbox:
        return Inbox()

    @pytest.fixture
    def mock(self, inbox: Inbox) -> Iterator[MockGateway]:
        with self.serve(inbox, None) as mock:
            yield mock

    @pytest.fixture
    def provider(self, mock: MockGateway) -> Iterator[AnyProvider]:
        provider = self.make(mock, check_tls=True)
        provider.open()
        yield provider
        provider.close()

    def test_an_accepted_message_gives_a_receipt_and_arrives_once(
        self, provider: AnyProvider, inbox: Inbox
    ) -> None:
        receipt = provider.submit(message(), within(_PATIENCE))

        assert receipt.gateway_id.isprintable()
        [arrived] = inbox.messages()
        assert (arrived.number, arrived.code) == (NUMBER, CODE)

    @pytest.mark.parametrize(
        "text", ["Schlüssel für Zoë: 734921", "код 734921", "734921 🔑", "a&b=c<d>%20+\"'\\ {phone} 734921"]
    )
    def test_any_text_arrives_as_it_was_written(self, provider: AnyProvider, inbox: Inbox, text: str) -> None:
        provider.submit(message(text), within(_PATIENCE))

        assert [arrived.text.strip() for arrived in inbox.messages()] == [text]

    @pytest.mark.parametrize("text", [SENTENCE + " and more" * 60, SENTENCE + " und öfter" * 30])
    def test_a_long_text_arrives_whole(self, provider: AnyProvider, inbox: Inbox, text: str) -> None:
        provider.submit(message(text), within(_PATIENCE))

        assert [arrived.text.strip() for arrived in inbox.messages()] == [text]

    def test_a_refused_message_is_refused(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox
    ) -> None:
        mock.faults.add("refuse")

        with pytest.raises(Refused):
            provider.submit(message(), within(_PATIENCE))
        assert inbox.messages() == ()

    def test_a_throttled_message_is_not_sent_and_may_be_tried_again(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox
    ) -> None:
        mock.faults.add("throttle once")

        with pytest.raises(Throttled):
            provider.submit(message(), within(_PATIENCE))
        provider.submit(message(), within(_PATIENCE))
        assert len(inbox.messages()) == 1

    def test_a_gateway_out_of_order_has_not_sent(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox
    ) -> None:
        mock.faults.add("unavailable once")

        with pytest.raises(NotSent):
            provider.submit(message(), within(_PATIENCE))
        provider.submit(message(), within(_PATIENCE))
        assert len(inbox.messages()) == 1

    def test_a_gateway_that_does_not_listen_has_not_sent(
        self, provider: AnyProvider, mock: MockGateway
    ) -> None:
        mock.stop()
        # A session that was kept may not know yet that it is lost; a message written to it is rightly unknown.
        with suppress(DeliveryError):
            provider.probe(within(_PATIENCE))

        with pytest.raises(ConnectFailed):
            provider.submit(message(), within(_PATIENCE))

    def test_silence_is_unknown_when_the_deadline_passes(
        self, provider: AnyProvider, mock: MockGateway
    ) -> None:
        provider.submit(message(), within(_PATIENCE))
        mock.faults.add("hang")

        with pytest.raises(AnswerTimeout):
            provider.submit(message(), within(_SILENCE))

    def test_a_message_that_arrived_in_silence_is_unknown_too(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox
    ) -> None:
        provider.submit(message(), within(_PATIENCE))
        mock.faults.add("mute")
        mark = inbox.mark()

        with pytest.raises(AnswerTimeout):
            provider.submit(message(), within(_SILENCE))
        # The mock may take longer to read the message than the provider waits for an answer.
        inbox.wait(after=mark)
        assert len(inbox.messages()) == 2

    @pytest.mark.parametrize("fault", ["half", "garbage"])
    def test_an_answer_that_makes_no_sense_is_unknown(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox, fault: str
    ) -> None:
        mock.faults.add(fault)

        with pytest.raises(ProtocolViolation):
            provider.submit(message(), within(_PATIENCE))
        assert len(inbox.messages()) == 1

    @pytest.mark.parametrize("fault", ["reset-before", "reset-after"])
    def test_a_connection_that_is_reset_after_the_message_was_read_is_unknown(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox, fault: str
    ) -> None:
        mock.faults.add(fault)

        with pytest.raises(Unknown):
            provider.submit(message(), within(_PATIENCE))
        assert len(inbox.messages()) == ("before" not in fault)

    @pytest.mark.parametrize("fault", ["hang", "half", "garbage", "reset-after", "unavailable"])
    def test_the_next_message_arrives_after_a_failure(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox, fault: str
    ) -> None:
        mock.faults.add(f"{fault} once")
        with pytest.raises(DeliveryError):
            provider.submit(message(), within(0.5 if fault == "hang" else _PATIENCE))
        # On a busy machine the mock may not have seen the message in time: then it would apply the fault to the next one, or
        # take both.
        mock.faults.clear()
        provider.submit(message("518264 is your code"), within(_PATIENCE))

        assert [arrived.code for arrived in inbox.messages()].count("518264") == 1

    def test_a_passed_deadline_sends_nothing(self, provider: AnyProvider, inbox: Inbox) -> None:
        with pytest.raises(NotSent):
            provider.submit(message(), within(0))
        assert inbox.messages() == ()

    @pytest.mark.parametrize(
        "fault", ["refuse", "throttle", "unavailable", "half", "garbage", "reset-before"]
    )
    def test_no_error_holds_the_code_or_the_number(
        self, provider: AnyProvider, mock: MockGateway, fault: str
    ) -> None:
        mock.faults.add(fault)

        with pytest.raises(DeliveryError) as caught:
            provider.submit(message(), within(_PATIENCE))

        shown = f"{caught.value} {caught.value!r} {caught.value.__cause__} "
        assert CODE not in shown
        assert NUMBER.removeprefix("+49") not in shown

    @pytest.mark.parametrize("repeated", REPEATED)
    def test_an_id_that_repeats_the_message_is_not_kept_because_ids_are_logged(
        self, provider: AnyProvider, monkeypatch: pytest.MonkeyPatch, repeated: str
    ) -> None:
        monkeypatch.setattr(provider, "judge", lambda _: Receipt(gateway_id=repeated))

        assert provider.submit(message(), within(_PATIENCE)) == Receipt()

    def test_an_id_that_repeats_nothing_is_kept(
        self, provider: AnyProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(provider, "judge", lambda _: Receipt(gateway_id="SM-90f1\n", segments=1))

        assert provider.submit(message(), within(_PATIENCE)) == Receipt(gateway_id="SM-90f1", segments=1)

    @pytest.mark.parametrize("repeated", REPEATED)
    def test_what_a_gateway_repeats_in_an_error_is_masked(
        self, provider: AnyProvider, monkeypatch: pytest.MonkeyPatch, repeated: str
    ) -> None:
        def judge(_: object) -> Receipt:
            error = Refused(f"the gateway refused {repeated} at once")
            error.said = f"cannot send {repeated} to anybody"
            raise error

        monkeypatch.setattr(provider, "judge", judge)

        with pytest.raises(Refused) as caught:
            provider.submit(message(), within(_PATIENCE))

        shown = f"{caught.value} {caught.value!r}"
        assert repeated not in shown
        assert "at once; it said: cannot send" in shown
        assert caught.value.said == ""

    def test_messages_from_several_threads_arrive_once_each(
        self, provider: AnyProvider, inbox: Inbox
    ) -> None:
        texts = [f"734{number:03} is your code" for number in range(24)]
        threads = [
            threading.Thread(target=provider.submit, args=(message(text), within(_PATIENCE)))
            for text in texts
        ]

        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(arrived.text.strip() for arrived in inbox.messages()) == texts

    def test_a_probe_tells_a_living_gateway_from_a_dead_one_and_sends_nothing(
        self, provider: AnyProvider, mock: MockGateway, inbox: Inbox
    ) -> None:
        provider.probe(within(_PATIENCE))
        mock.stop()

        with pytest.raises(NotSent):
            provider.probe(within(_PATIENCE))
        assert inbox.messages() == ()

    def test_a_closed_provider_sends_nothing(self, provider: AnyProvider, inbox: Inbox) -> None:
        provider.submit(message(), within(_PATIENCE))
        provider.close()

        with pytest.raises(NotSent):
            provider.submit(message(), within(_PATIENCE))
        assert len(inbox.messages()) == 1

    def tls(self, certificates: Certificates, kind: Kind) -> ssl.SSLContext:
        if not self.speaks_tls:
            pytest.skip("it does not speak TLS")
        return certificates.server_context(kind)

    def test_a_trusted_certificate_is_accepted(self, inbox: Inbox, tmp_path: Path) -> None:
        certificates = Certificates()

        with self.serve(inbox, self.tls(certificates, "good")) as mock:
            provider = self.make(mock, certificates.write_authority(tmp_path / "ca.pem"))
            provider.open()
            provider.submit(message(), within(_PATIENCE))
            provider.probe(within(_PATIENCE))
            provider.close()

        assert len(inbox.messages()) == 1

    @pytest.mark.parametrize("kind", ["wrong-name", "expired"])
    def test_a_wrong_certificate_has_not_sent(self, inbox: Inbox, tmp_path: Path, kind: Kind) -> None:
        certificates = Certificates()

        with self.serve(inbox, self.tls(certificates, kind)) as mock:
            provider = self.make(mock, certificates.write_authority(tmp_path / "ca.pem"))
            self._fails_before_anything_is_sent(provider, inbox)

    def test_a_certificate_of_an_unknown_authority_has_not_sent(self, inbox: Inbox) -> None:
        with self.serve(inbox, self.tls(Certificates(), "good")) as mock:
            self._fails_before_anything_is_sent(self.make(mock, check_tls=True), inbox)

    def _fails_before_anything_is_sent(self, provider: AnyProvider, inbox: Inbox) -> None:
        provider.open()
        with pytest.raises(ConnectFailed):
            provider.submit(message(), within(_PATIENCE))
        with pytest.raises(ConnectFailed):
            provider.probe(within(_PATIENCE))
        provider.close()
        assert inbox.messages() == ()
