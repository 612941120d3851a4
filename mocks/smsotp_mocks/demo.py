"""`python -m smsotp_mocks.demo`: log a user in through a real FreeRADIUS and show every step as it happens."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.table import GATEWAYS, GatewaySetup
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox, NoMessage
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.inbox.wire import describe_wire
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import BOB, HarnessError
from smsotp_mocks.servers.radius_client import Answer, Code, NoAnswer

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


class _Unexpected(Exception):
    """Something else happened than a log-in should show."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; return 0 only if all of it happened as it should."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Show a log-in with a code by SMS.")
    parser.add_argument(
        "--gateway",
        choices=[*GATEWAYS, "all"],
        default="http",
        help="the protocol that brings the SMS (default: %(default)s)",
    )
    kind = parser.parse_args(arguments).gateway
    before = {number: signal.signal(number, signal.default_int_handler) for number in _ENDING}
    try:
        for each in GATEWAYS if kind == "all" else [kind]:
            _demonstrate(each)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; everything is stopped.\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read along has gone; Python must not stumble over that again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (HarnessError, NoAnswer, NoMessage, _Unexpected, AssertionError, OSError) as error:
        sys.stdout.flush()
        sys.stderr.write(f"\nThe demonstration failed: {error}\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _demonstrate(kind: str) -> None:
    inbox = Inbox()
    with (
        tempfile.TemporaryDirectory(prefix="smsotp-demo-") as folder,
        GATEWAYS[kind](inbox, GatewaySetup()) as gateway,
    ):
        server = FreeRadiusServer(Path(folder), config_toml=_write_configuration(gateway, Path(folder)))
        with server:
            _say(f"Mock gateway ({kind}) at {gateway.address}")
            _say("FreeRADIUS with the plugin at {}:{}".format(*server.address))
            try:
                _Show(server, inbox).run()
            except BrokenPipeError:
                raise
            except Exception as error:
                raise _Unexpected(f"{error}\nFreeRADIUS logged:\n{server.log_text()}") from error
        # Its stop sends whatever was still queued, so from here on nothing more can come.
        _expect("two SMS in all", len(inbox.messages()) == 2)
    _say("\nAll of it happened as it should.\n")


def _write_configuration(gateway: Gateway, folder: Path) -> str:
    # The HTTP mock offers a gateway for each of its faces; the one that has its own name will do.
    wanted = {
        name: values
        for name, values in gateway.configuration().items()
        if not name.startswith("gateways.") or name.split(".")[1] == gateway.kind
    }
    return write_toml({"store": {"url": f"sqlite:///{folder}/smsotp.db"}, **wanted})


class _Show:
    """The steps, for the user bob."""

    def __init__(self, server: FreeRadiusServer, inbox: Inbox) -> None:
        self._server = server
        self._inbox = inbox

    def run(self) -> None:
        """
        Show a log-in that succeeds and two that do not.

        Raises:
            _Unexpected: Something else happened.
        """
        _say("\n1. bob gives his name and the right password, and is asked for a code:")
        challenge = self._send_first_leg(BOB.password, "challenge")
        _say("\n2. The gateway receives the SMS:")
        message = self._wait_for_sms(after=0)
        _say("\n3. bob types the code and is let in:")
        self._answer_leg(message.code, challenge.state, "accept")
        _say("\n4. The next time, bob types a wrong code and is asked again:")
        challenge = self._send_first_leg(BOB.password, "challenge")
        right = self._inbox.wait(after=message.id).code
        again = self._answer_leg(_spoil(right), challenge.state, "challenge")
        _expect("another prompt for the wrong code", again.prompt != challenge.prompt)
        _say("\n5. Somebody else does not know the password; no SMS is sent:")
        self._send_first_leg("guessed", "reject")

    def _send_first_leg(self, password: str, expected: Code) -> Answer:
        _say_packet("->", "Request", [*_choose_typed(password)])
        return _show(self._server.log_in(BOB.name, password), expected)

    def _answer_leg(self, code: str, state: bytes, expected: Code) -> Answer:
        _say_packet("->", "Request", [*_choose_typed(code), _shorten(state)])
        return _show(self._server.answer(BOB.name, code, state), expected)

    def _wait_for_sms(self, after: int) -> ReceivedMessage:
        message = self._inbox.wait(after=after)
        for line in describe_wire(message):
            _say(f"      {line}")
        _say(f"   number {message.number}, text {message.text!r}, code {message.code}")
        _expect(f"an SMS to {BOB.phone} with a code", message.number == BOB.phone and bool(message.code))
        return message


def _show(answer: Answer, expected: Code) -> Answer:
    attributes = [f'Reply-Message = "{text}"' for text in answer.reply_messages]
    if answer.state:
        attributes.append(_shorten(answer.state))
    attributes += [f"Session-Timeout = {seconds}" for seconds in answer.attributes.get("Session-Timeout", ())]
    _say_packet("<-", answer.code.capitalize(), attributes)
    _expect(f"Access-{expected.capitalize()}", answer.code == expected)
    return answer


def _expect(what: str, came: bool) -> None:  # noqa: FBT001  (reads as a sentence)
    if not came:
        raise _Unexpected(f"{what} was expected.")


def _spoil(code: str) -> str:
    """Return a code that is certainly another one."""
    return code[:-1] + ("1" if code[-1] == "0" else "0")


def _choose_typed(password: str) -> tuple[str, str]:
    return f'User-Name = "{BOB.name}"', f'User-Password = "{password}"'


def _shorten(state: bytes) -> str:
    return f"State = {state[:4].decode(errors='replace')}..."


def _say_packet(direction: str, code: str, attributes: Sequence[str]) -> None:
    lines = "\n".join(f"{'':24}{attribute}" for attribute in attributes)
    _say(f"   {direction} Access-{code:<11}{lines.lstrip()}".rstrip())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
