"""What an SMPP session has to say and has not yet written."""

from collections import deque


class Outgoing:
    """PDUs on their way to the peer: gathered until somebody writes, then one piece until all of it has gone out."""

    def __init__(self) -> None:
        #: What is being written: its bytes, and size and sequence number of each PDU in it.
        self._chunk = memoryview(b"")
        self._in_chunk: deque[tuple[int, int]] = deque()
        #: What follows it, with sequence numbers.
        self._next: deque[tuple[bytes, int]] = deque()

    def __len__(self) -> int:
        """Return how many PDUs are not completely written."""
        return len(self._next) + len(self._in_chunk)

    def put(self, data: bytes, sequence: int = 0) -> None:
        """Add a PDU; the sequence number comes back from `note_written`, 0 stands for one that nobody asks for."""
        self._next.append((data, sequence))

    def is_writing(self) -> bool:
        """Tell whether what `to_write` returned has not gone out completely."""
        return bool(self._chunk)

    def to_write(self) -> memoryview | None:
        """Return all bytes that wait, or None; the same again until `note_written` says that they went out."""
        if not self._chunk:
            if not self._next:
                return None
            self._chunk = memoryview(b"".join(data for data, _ in self._next))
            self._in_chunk.extend((len(data), sequence) for data, sequence in self._next)
            self._next.clear()
        return self._chunk

    def note_written(self, count: int) -> list[int]:
        """Note that `count` bytes of the last `to_write` went out; return the sequence numbers of the PDUs that this completes."""
        complete = []
        self._chunk = self._chunk[count:]
        while self._in_chunk and count >= self._in_chunk[0][0]:
            size, sequence = self._in_chunk.popleft()
            count -= size
            complete.append(sequence)
        if count:
            size, sequence = self._in_chunk[0]
            self._in_chunk[0] = (size - count, sequence)
        return complete

    def drop(self) -> None:
        """Forget everything: nothing can be written any more."""
        self._chunk = memoryview(b"")
        self._in_chunk.clear()
        self._next.clear()
