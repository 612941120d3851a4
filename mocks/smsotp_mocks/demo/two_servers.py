"""Two servers that share a Redis: a log-in begins at one and ends at the other, whatever happens in between."""

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
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.servers.cluster import Cluster
from smsotp_mocks.servers.raddb import BOB

_NAMES = "AB"
_CLAIMED = 30.0  # seconds; a message that a dead worker had is claimed after four


def demonstrate_two_servers(kind: str) -> None:
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
        with Cluster(Path(folder), choose_tables(gateway), workers=2) as cluster:
            say(f"Mock gateway ({kind}) at {gateway.address}")
            say(f"Redis at {cluster.redis.url}")
            for name, node in zip(_NAMES, cluster.nodes, strict=True):
                say("FreeRADIUS {} with the plugin at {}:{}".format(name, *node.address))
            say("Two workers, which send what the servers leave in Redis")
            with showing_logs(lambda: _read_logs(cluster)):
                _show_steps(cluster, inbox)
        # Their stop sends whatever was still queued, so from here on nothing more can come.
        expect("three SMS in all", len(inbox.messages()) == 3)
    say("\nAll of it happened as it should.\n")


def _show_steps(cluster: Cluster, inbox: Inbox) -> None:
    first, second = cluster.nodes
    say("\n1. bob gives his name and the right password to A, and is asked for a code:")
    challenge = send_first_leg(first, BOB.password, "challenge")
    say("\n2. The gateway receives the SMS:")
    message = wait_for_sms(inbox)
    say(
        "\n3. The answer from A gets lost, so bob's client asks B. It is the same log-in, and there is no second SMS:"
    )
    again = send_first_leg(second, BOB.password, "challenge")
    expect("the same State", again.state == challenge.state)
    say("\n4. bob types the code; B lets him in:")
    send_answer_leg(second, message.code, challenge.state, "accept")
    say("\n5. The same code at A is worth nothing any more:")
    send_answer_leg(first, message.code, challenge.state, "reject")
    say("\n6. The next time, a worker is killed before it could send:")
    for worker in cluster.workers:
        worker.freeze()
    say("   both workers are held")
    challenge = send_first_leg(first, BOB.password, "challenge")
    cluster.workers[0].kill()
    cluster.workers[1].thaw()
    say("   worker 1 is killed (SIGKILL), worker 2 goes on")
    message = wait_for_sms(inbox, after=message.id, timeout=_CLAIMED)
    say("\n7. bob types the code; B lets him in:")
    send_answer_leg(second, message.code, challenge.state, "accept")
    say("\n8. At last, A is killed while bob waits for his code:")
    challenge = send_first_leg(first, BOB.password, "challenge")
    message = wait_for_sms(inbox, after=message.id)
    first.kill()
    say("   A is killed (SIGKILL)")
    say("\n9. bob types the code; B lets him in:")
    send_answer_leg(second, message.code, challenge.state, "accept")


def _read_logs(cluster: Cluster) -> str:
    logs = [
        *((f"FreeRADIUS {name}", node.log_text()) for name, node in zip(_NAMES, cluster.nodes, strict=True)),
        *((f"Worker {number}", worker.log_text()) for number, worker in enumerate(cluster.workers, 1)),
    ]
    return "\n".join(f"{name} logged:\n{text}" for name, text in logs)
