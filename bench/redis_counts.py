"""What a Redis has done so far, by its own counters."""

import socket
from dataclasses import dataclass

import hiredis

#: Commands that the plugin sends; all others come from its scripts.
_SENT = ("evalsha", "eval", "xreadgroup", "xautoclaim")


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What the Redis has done.

    Attributes:
        calls: Commands that the plugin has sent: one for each script, whatever the script does.
        received: Bytes that came in.
        sent: Bytes that went out.
        busy: Seconds of processor time for everything that it did.
    """

    calls: int
    received: int
    sent: int
    busy: float

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.calls - other.calls,
            self.received - other.received,
            self.sent - other.sent,
            self.busy - other.busy,
        )


class RedisMeter:
    """
    A connection to a Redis of this machine.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace")

    def ask(self, line: str) -> object:
        """Return the answer to a command; its words must not contain spaces."""
        self._socket.sendall(line.encode() + b"\r\n")
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        if isinstance(reply, hiredis.ReplyError):
            raise SystemExit(f"Redis refuses {line}: {reply}")
        return reply

    def count(self) -> Counts:
        """Return what has been done; the query itself is small compared with a load."""
        stats, commands, processor = map(self._read, ("stats", "commandstats", "cpu"))
        names = [f"cmdstat_{name}" for name in _SENT if f"cmdstat_{name}" in commands]
        return Counts(
            sum(int(commands[name].removeprefix("calls=").partition(",")[0]) for name in names),
            int(stats["total_net_input_bytes"]),
            int(stats["total_net_output_bytes"]),
            float(processor["used_cpu_user"]) + float(processor["used_cpu_sys"]),
        )

    def close(self) -> None:
        self._socket.close()

    def _read(self, section: str) -> dict[str, str]:
        text = str(self.ask(f"INFO {section}"))
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
