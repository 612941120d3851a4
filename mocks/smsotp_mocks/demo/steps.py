"""What all demonstrations consist of: the steps of a log-in of the user bob, each said and judged as it happens."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.inbox.wire import describe_wire
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import BOB
from smsotp_mocks.servers.radius_client import Answer, Code


class Unexpected(Exception):
    """Something else happened than a log-in should show."""


def choose_tables(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Return the configuration for a gateway: of the HTTP mock, which has one for each of its faces, that of its own name."""
    return {
        name: dict(values)
        for name, values in gateway.configuration().items()
        if not name.startswith("gateways.") or name.split(".")[1] == gateway.kind
    }


@contextlib.contextmanager
def showing_logs(read: Callable[[], str]) -> Iterator[None]:
    """Have what went wrong come with what the servers logged."""
    try:
        yield
    except BrokenPipeError:
        raise
    except Exception as error:
        raise Unexpected(f"{error}\n{read()}") from error


def send_first_leg(server: FreeRadiusServer, password: str, expected: Code) -> Answer:
    """Show that bob gives a password."""
    _say_packet("->", "Request", [*_choose_typed(password)])
    return _show(server.log_in(BOB.name, password), expected)


def send_answer_leg(server: FreeRadiusServer, code: str, state: bytes, expected: Code) -> Answer:
    """Show that bob gives a code."""
    _say_packet("->", "Request", [*_choose_typed(code), _shorten(state)])
    return _show(server.answer(BOB.name, code, state), expected)


def wait_for_sms(inbox: Inbox, *, after: int = 0, timeout: float = 10.0) -> ReceivedMessage:
    """Show the next SMS, and how it came; `after` and `timeout` as for `Inbox.wait`."""
    message = inbox.wait(after=after, timeout=timeout)
    for line in describe_wire(message):
        say(f"      {line}")
    say(f"   number {message.number}, text {message.text!r}, code {message.code}")
    expect(f"an SMS to {BOB.phone} with a code", message.number == BOB.phone and bool(message.code))
    return message


def expect(what: str, came: bool) -> None:  # noqa: FBT001  (reads as a sentence)
    """Fail unless it came."""
    if not came:
        raise Unexpected(f"{what} was expected.")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _show(answer: Answer, expected: Code) -> Answer:
    attributes = [f'Reply-Message = "{text}"' for text in answer.reply_messages]
    if answer.state:
        attributes.append(_shorten(answer.state))
    attributes += [f"Session-Timeout = {seconds}" for seconds in answer.attributes.get("Session-Timeout", ())]
    _say_packet("<-", answer.code.capitalize(), attributes)
    expect(f"Access-{expected.capitalize()}", answer.code == expected)
    return answer


def _choose_typed(password: str) -> tuple[str, str]:
    return f'User-Name = "{BOB.name}"', f'User-Password = "{password}"'


def _shorten(state: bytes) -> str:
    return f"State = {state[:4].decode(errors='replace')}..."


def _say_packet(direction: str, code: str, attributes: Sequence[str]) -> None:
    lines = "\n".join(f"{'':24}{attribute}" for attribute in attributes)
    say(f"   {direction} Access-{code:<11}{lines.lstrip()}".rstrip())
