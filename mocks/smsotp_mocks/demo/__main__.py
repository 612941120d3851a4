"""The command line of the demonstration."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from smsotp_mocks.demo.one_server import demonstrate_one_server
from smsotp_mocks.demo.steps import Unexpected
from smsotp_mocks.demo.two_servers import demonstrate_two_servers
from smsotp_mocks.gateways.table import GATEWAYS
from smsotp_mocks.inbox.inbox import NoMessage
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.radius_client import NoAnswer

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; return 0 only if all of it happened as it should."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Show a log-in with a code by SMS.")
    parser.add_argument(
        "--gateway",
        choices=[*GATEWAYS, "all"],
        default="http",
        help="the protocol that brings the SMS (default: %(default)s)",
    )
    parser.add_argument("--cluster", action="store_true", help="show two servers that share a Redis")
    chosen = parser.parse_args(arguments)
    demonstrate = demonstrate_two_servers if chosen.cluster else demonstrate_one_server
    before = {number: signal.signal(number, _interrupt) for number in _ENDING}
    try:
        for each in GATEWAYS if chosen.gateway == "all" else [chosen.gateway]:
            demonstrate(each)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; everything is stopped.\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read along has gone; Python must not stumble over that again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (HarnessError, NoAnswer, NoMessage, Unexpected, AssertionError, OSError) as error:
        sys.stdout.flush()
        sys.stderr.write(f"\nThe demonstration failed: {error}\n")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Have everything stopped, which whoever asks again must not interrupt: programs would be left running."""
    del number, frame
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
