"""Starts mock SMS gateways and their inbox page, until Ctrl-C."""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from smsotp_mocks.faults.plan import BadFault
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smpp.receipts import STATES, ReceiptPolicy
from smsotp_mocks.gateways.table import GATEWAYS, GatewaySetup
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.net.certificates import LOCAL_NAMES, Certificates
from smsotp_mocks.net.extra import MissingPackage
from smsotp_mocks.net.ports import is_loopback
from smsotp_mocks.page.server import InboxPage

_LONGEST_DELAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    host: str
    ports: dict[str, int]
    page: int
    faults: tuple[tuple[str, str], ...]
    tls: bool
    as_json: bool
    accounts: Accounts
    receipts: ReceiptPolicy


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line; a bad one ends the program with one sentence and status 2."""
    parser = argparse.ArgumentParser(prog="python -m smsotp_mocks", description=__doc__)
    _add_arguments(parser)
    given = parser.parse_args(arguments)
    if not is_loopback(given.host) and not given.public:
        parser.error(f"{given.host} can be reached by other machines; add --public if that is wanted.")
    ports = {name: getattr(given, name) for name in GATEWAYS if getattr(given, name) is not None}
    if not ports:
        ports = dict.fromkeys(GATEWAYS, 0)
    faults = []
    for fault in given.fault:
        gateway, colon, rules = fault.partition(":")
        if not colon or gateway not in ports:
            parser.error(f"--fault {fault!r} must begin with a gateway that is started and a colon.")
        faults.append((gateway, rules))
    try:
        accounts = Accounts(**dict(given.account))
    except ValueError as wrong:
        parser.error(f"argument --account: {wrong}")
    receipts = ReceiptPolicy(
        state=given.receipt_state,
        delay=given.receipt_delay,
        submit_ids=given.submit_ids,
        receipt_ids=given.receipt_ids,
        automatic=not given.no_receipts,
    )
    return Options(given.host, ports, given.page, tuple(faults), given.tls, given.json, accounts, receipts)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    for name in GATEWAYS:
        parser.add_argument(
            f"--{name}",
            type=_parse_port,
            metavar="PORT",
            help=f"start the {name} gateway there; 0 takes a free port",
        )
    parser.add_argument(
        "--page",
        type=_parse_port,
        default=0,
        metavar="PORT",
        help="serve the inbox page there (default: a free port)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--public",
        action="store_true",
        help="allow a --host that other machines can reach: the mocks have no secrets",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="GATEWAY:RULES",
        help='for example "http:delay 2s for +49170*"',
    )
    parser.add_argument(
        "--tls",
        action="store_true",
        help="speak TLS (mail: STARTTLS), with certificates of an authority whose file is shown",
    )
    _add_accounts(parser)
    _add_receipts(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    names = [field.name for field in fields(Accounts)]

    def parse_account(text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if name not in names:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(names)}")
        if not equals:
            raise argparse.ArgumentTypeError(f"{name!r} must be followed by = and its value")
        return name, value

    parser.add_argument(
        "--account",
        action="append",
        default=[],
        type=parse_account,
        metavar="NAME=VALUE",
        help="accept other credentials, for example smpp_password=secret; NAME is one of " + ", ".join(names),
    )


def _add_receipts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--receipt-delay",
        type=_parse_seconds,
        default=0.0,
        metavar="SECONDS",
        help="report delivery this long after an SMPP message was taken (default: %(default)g)",
    )
    parser.add_argument(
        "--receipt-state", choices=STATES, default="DELIVRD", help="what to report (default: %(default)s)"
    )
    parser.add_argument(
        "--no-receipts",
        action="store_true",
        help="report delivery only by hand, on the page or through its API",
    )
    for name, where in (("--submit-ids", "in the answer to a message"), ("--receipt-ids", "in its receipt")):
        parser.add_argument(
            name,
            choices=("hex", "decimal"),
            default="hex",
            help=f"how the SMSC writes ids {where} (default: %(default)s)",
        )


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_DELAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_LONGEST_DELAY:g}")
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; return the exit status."""
    if sys.stdout is None:
        # Whoever started us wants to read nothing.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    try:
        try:
            return _run(parse(arguments))
        finally:
            sys.stdout.flush()
    except MissingPackage as missing:
        sys.stderr.write(f"python -m smsotp_mocks: {missing}\n")
        return 2
    except OSError as error:
        # What Python still writes when it ends must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        where = error.filename or "standard output"
        sys.stderr.write(f"python -m smsotp_mocks: {where}: {error.strerror}\n")
        return 1


def _run(options: Options) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    inbox = Inbox()
    with ExitStack() as stack:
        certificates = _make_certificates(stack, options.host) if options.tls else None
        try:
            started = [_start(stack, inbox, options, name, certificates) for name in options.ports]
            page = InboxPage(inbox, started, host=options.host, port=options.page)
            _listen(stack, page, "inbox page", options.host, options.page)
        except (OSError, BadFault) as error:
            sys.stderr.write(f"python -m smsotp_mocks: {error}\n")
            return 2
        ready = _describe_ready(started, page, certificates, as_json=options.as_json)
        _tell(inbox, ready, stop, as_json=options.as_json)
    return 0


def _tell(inbox: Inbox, ready: str, stop: threading.Event, *, as_json: bool) -> None:
    with inbox.subscribe(max_waiting=20_000) as subscription:
        _say(ready)
        while not stop.is_set():
            event = subscription.get(timeout=0.2)
            if event is not None and event.message is not None:
                _say_message(event.message, as_json=as_json)


def _make_certificates(stack: ExitStack, host: str) -> Certificates:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="smsotp-mocks-"))
    certificates = Certificates(list(dict.fromkeys([*LOCAL_NAMES, host])))
    certificates.write_authority(Path(folder) / "authority.pem")
    return certificates


def _start(
    stack: ExitStack, inbox: Inbox, options: Options, name: str, certificates: Certificates | None
) -> Gateway:
    at = GatewaySetup(options.host, options.ports[name], certificates, options.accounts, options.receipts)
    gateway = GATEWAYS[name](inbox, at)
    gateway.faults.add(*(rules for of, rules in options.faults if of == name))
    _listen(stack, gateway, f"{name} gateway", options.host, options.ports[name])
    return gateway


def _listen(stack: ExitStack, server: AbstractContextManager[Any], what: str, host: str, port: int) -> None:
    try:
        stack.enter_context(server)
    except OSError as error:
        # Python adds the address in its own notation.
        why = str(error.strerror).partition(" (while ")[0]
        raise OSError(f"cannot start the {what} on {host}, port {port}: {why}.") from None


def _describe_ready(
    gateways: Sequence[Gateway], page: InboxPage, certificates: Certificates | None, *, as_json: bool
) -> str:
    tables = {name: table for gateway in gateways for name, table in gateway.configuration().items()}
    addresses = {gateway.kind: gateway.address for gateway in gateways}
    authority = str(certificates.authority_file) if certificates else None
    if as_json:
        told = {"page": page.url, "gateways": addresses, "configuration": tables, "authority": authority}
        return json.dumps({"event": "ready"} | told)
    lines = [f"# inbox page: {page.url}", *(f"# {kind}: {address}" for kind, address in addresses.items())]
    if authority:
        lines.append(f"# trust this authority: {authority}")
    return "\n".join([*lines, write_toml(tables), "# ready"])


def _say_message(message: ReceivedMessage, *, as_json: bool) -> None:
    if as_json:
        _say(json.dumps({"event": "message"} | message.as_dict()))
    else:
        _say(f"{message.number} {message.gateway} {_make_visible(message.text)}")


def _make_visible(text: str) -> str:
    """Show a text on one line; control characters would let an SMS write over the terminal."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parse_port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
