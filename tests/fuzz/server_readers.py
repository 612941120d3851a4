"""What comes from the server's side: attributes, States and the command line."""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import typer

from smsotp_mocks.__main__ import parse as parse_mocks
from smsotp_plugin import cli
from smsotp_plugin.__main__ import main
from smsotp_plugin.errors import NumberError, PacketError
from smsotp_plugin.log import make_printable
from smsotp_plugin.login.decisions import Accept
from smsotp_plugin.radius.attributes import AttributePlace, Packet, read_refusal, read_request
from smsotp_plugin.sms.phone import parse_number
from tests.fuzz.reader import Reader, describe
from tests.support.login_bench import Bench

#: Characters of a value that rlm_python3 hands over.
_LONGEST_VALUE = 1023
PLACES = [AttributePlace.parse("control:SMSOTP-Phone"), AttributePlace.parse("request:Calling-Station-Id")]


@contextmanager
def server_readers(folder: Path) -> Iterator[list[Reader]]:
    """Give the readers of the server's side; an empty folder is theirs meanwhile."""
    bench = Bench(folder, {})
    try:
        yield [_attributes(bench), _state(bench), _command_line(folder)]
    finally:
        bench.store.close()


def _attributes(bench: Bench) -> Reader:
    def read(data: bytes) -> str:
        packet = _packet(data)
        user, why = read_refusal(packet)
        assert (user + why).isprintable()
        bench.login.note_refusal(user, why)
        try:
            request = read_request(packet, PLACES)
        except PacketError as exc:
            return describe(exc)
        assert (request.station + request.client + request.site + request.gateway).isprintable()
        assert make_printable(bench.login._names.mask_user(request.user)).isprintable()
        answers = bench.login.is_answer(request)
        typed = "" if request.password is None else request.password.get_secret_value()
        bench.login._codes.seal(request.state or "", typed)
        return f"{answers} {sorted({_number(text) for text in request.numbers})}"

    return Reader("attributes", _ATTRIBUTES, _ATTRIBUTE_TOKENS, read)


def _packet(data: bytes) -> Packet:
    """Read a case as lines of list, name and value, as rlm_python3 hands them over."""
    packet: dict[str, list[tuple[str, str]]] = {}
    for line in data.decode(errors="surrogateescape").split("\n"):
        list_name, _, rest = line.partition("\t")
        name, tab, value = rest.partition("\t")
        if tab:
            packet.setdefault(list_name, []).append((name, value[:_LONGEST_VALUE]))
    return {name: tuple(pairs) for name, pairs in packet.items()}


def _number(text: str) -> str:
    try:
        number = parse_number(text, "DE")
    except NumberError as exc:
        assert str(exc).isprintable()  # noqa: PT017  (it may be either)
        return describe(exc)
    assert number.e164[0] == "+"
    assert number.e164[1:].isdecimal()
    assert number.e164.isascii()
    return "number"


_ATTRIBUTES = (
    (
        b"request\tUser-Name\tbob\nrequest\tUser-Password\thello\nrequest\tNAS-IP-Address\t192.0.2.1\n"
        b"request\tCalling-Station-Id\t0170 1234567\nconfig\tSMSOTP-Phone\t+49 (170) 123-4567\nrequest\tSMSOTP-Site\tdefault\n"
    ),
    (
        b"request\tUser-Name\tDOM\\b\xc3\xb6b@example.com\nrequest\tState\t0x3061\nconfig\tSMSOTP-Code\t123 456\n"
        b"request\tNAS-Identifier\tvpn\nconfig\tSMSOTP-Language\tDE-AT\nconfig\tSMSOTP-Notify\tlogin\n"
    ),
    (
        b"request\tUser-Name\t00491701234567\nrequest\tUser-Password\t\xd9\xa1\xd9\xa2\nconfig\tSMSOTP-Phone\ttel:0170;phone-context=+49\n"
        b"request\tSMSOTP-Refusal\tno code\n"
    ),
)
_ATTRIBUTE_TOKENS = (
    *(
        b"request\tUser-Name\t",
        b"request\tState\t0x",
        b"request\tUser-Password\t",
        b"config\tSMSOTP-Phone\t",
        b"config\tSMSOTP-Code\t",
    ),
    *(
        b"\n",
        b"\t",
        b"0x",
        b"+49",
        b"00",
        b"(0)",
        b";ext=",
        b"tel:",
        b"phone-context=",
        b"@",
        b"\\",
        b"{",
        b"}",
        b"\x7f",
        b"\xff",
    ),
    *(
        "\u0660\u0661".encode(),
        "\uff10\uff11".encode(),
        "\U0001d7d8".encode(),
        "\u200b".encode(),
        "\u202e".encode(),
        b"0" * 300,
    ),
)


def _state(bench: Bench) -> Reader:
    """Only the State of a challenge, octet for octet, lets its user in with its code."""
    asked = bench.ask()
    code = bench.code()
    other = bench.ask(user="alice", numbers=("+491709999999",)).state
    elsewhere = bench.ask(site="other").state
    right = asked.state.encode()

    def read(data: bytes) -> str:
        if data == right:
            return "right"
        pairs = (("User-Name", "bob"), ("User-Password", code), ("State", f"0x{data.hex()}"))
        client = (("NAS-Identifier", "vpn"), ("SMSOTP-Site", "default"))
        request = read_request({"request": (*pairs, *client)}, [])
        decision = bench.login.answer_leg(request)
        assert not isinstance(decision, Accept), "another State lets somebody in"
        return f"{bench.login.is_answer(request)} {type(decision).__name__}"

    return Reader(
        "state",
        (right, other.encode(), elsewhere.encode(), right.upper(), right + b"\0", b"\0" + right),
        (right, right[:24], right[24:], other.encode()[24:], b"\0", b"\x80", b"0", b"f", b" ", b"\n"),
        read,
    )


#: Read-only, so they are run; of the others only the arguments are read.
_RUN = ("check", "route", "trace")


def _command_line(folder: Path) -> Reader:
    config = folder / "good.toml"
    config.write_text('[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n')
    command = typer.main.get_command(cli.app)

    def read(data: bytes) -> str:
        arguments = [part.decode(errors="surrogateescape") for part in data.split(b"\0")]
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            if arguments[0] in _RUN:
                return _run(arguments)
            if arguments[0] == "mocks":
                return _exits(lambda: parse_mocks(arguments[1:]))
            return _parse(command, arguments)

    examples = tuple(b"\0".join(map(str.encode, words)) for words in _commands(config))
    words = sorted({word for example in examples for word in example.split(b"\0")})
    return Reader(
        "command_line",
        examples,
        (*words, b"\0", b"--", b"-", b"=", b"--help", b"\xff", b"\n", b"{", b"%s"),
        read,
    )


def _commands(config: Path) -> list[Sequence[str]]:
    file = ("--config", str(config))
    return [
        ("check", *file),
        (
            "route",
            "+491701234567",
            "--user",
            "bob@example.com",
            "--language",
            "de",
            "--gateway",
            "any",
            *file,
        ),
        ("trace", "bob", "--last", "3", *file),
        ("erase", "+491701234567", *file),
        ("unlock", "bob", *file),
        ("freeradius", "install", "--raddb", "/nowhere", "--listen", "127.0.0.1:1812", "--dry-run", *file),
        ("freeradius", "check", "--raddb", "/nowhere", "--before-start"),
        ("freeradius", "unit", "--raddb", "/nowhere"),
        ("freeradius", "uninstall", "--raddb", "/nowhere", "--dry-run"),
        ("mocks", "--http", "8080", "--account", "plain-username=a", "--page", "8025"),
        ("--version",),
    ]


def _run(arguments: list[str]) -> str:
    before, sys.argv = sys.argv, ["smsotp", *arguments]
    try:
        return _exits(main)
    finally:
        sys.argv = before


def _exits(run: Callable[[], Any]) -> str:
    try:
        run()
    except SystemExit as exc:
        assert exc.code in (None, 0, 1, 2), f"exit code {exc.code!r}"  # noqa: PT017  (it may be either)
        return f"exit {exc.code}"
    return "done"


def _parse(command: Any, arguments: list[str]) -> str:
    name = "smsotp"
    try:
        while hasattr(command, "commands") and arguments and arguments[0] in command.commands:
            name, *arguments = arguments
            command = command.commands[name]
        command.make_context(name, arguments)
    except Exception as exc:
        # Typer has a copy of click in it, whose errors have no public name; each says with which status it ends.
        if not hasattr(exc, "exit_code"):
            raise
        return describe(exc)
    return "read"
