"""A log-in through one server that succeeds, and two that do not."""

import tempfile
from pathlib import Path

from smsotp_mocks.demo.steps import (
    choose_tables,
    expect,
    say,
    send_answer_leg,
    send_first_leg,
    showing_logs,
    wait_for_sms,
)
from smsotp_mocks.gateways.table import GATEWAYS, GatewaySetup
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import BOB


def demonstrate_one_server(kind: str) -> None:
    """
    Show all of it.

    Args:
        kind: Of the gateway.

    Raises:
        Unexpected: Something else happened.
    """
    inbox = Inbox()
    with (
        tempfile.TemporaryDirectory(prefix="smsotp-demo-") as folder,
        GATEWAYS[kind](inbox, GatewaySetup()) as gateway,
    ):
        tables = {"store": {"url": f"sqlite:///{folder}/smsotp.db"}, **choose_tables(gateway)}
        server = FreeRadiusServer(Path(folder), config_toml=write_toml(tables))
        with server:
            say(f"Mock gateway ({kind}) at {gateway.address}")
            say("FreeRADIUS with the plugin at {}:{}".format(*server.address))
            with showing_logs(lambda: f"FreeRADIUS logged:\n{server.log_text()}"):
                _show_steps(server, inbox)
        # Its stop sends whatever was still queued, so from here on nothing more can come.
        expect("two SMS in all", len(inbox.messages()) == 2)
    say("\nAll of it happened as it should.\n")


def _show_steps(server: FreeRadiusServer, inbox: Inbox) -> None:
    say("\n1. bob gives his name and the right password, and is asked for a code:")
    challenge = send_first_leg(server, BOB.password, "challenge")
    say("\n2. The gateway receives the SMS:")
    message = wait_for_sms(inbox)
    say("\n3. bob types the code and is let in:")
    send_answer_leg(server, message.code, challenge.state, "accept")
    say("\n4. The next time, bob types a wrong code and is asked again:")
    challenge = send_first_leg(server, BOB.password, "challenge")
    right = inbox.wait(after=message.id).code
    again = send_answer_leg(server, _spoil(right), challenge.state, "challenge")
    expect("another prompt for the wrong code", again.prompt != challenge.prompt)
    say("\n5. Somebody else does not know the password; no SMS is sent:")
    send_first_leg(server, "guessed", "reject")


def _spoil(code: str) -> str:
    """Return a code that is certainly another one."""
    return code[:-1] + ("1" if code[-1] == "0" else "0")
