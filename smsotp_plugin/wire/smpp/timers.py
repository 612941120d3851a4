"""The timers of an SMPP session (SMPP 3.4, section 7.2): when it has to speak, and when it is over."""

from dataclasses import dataclass

from smsotp_plugin.wire.smpp.times import SessionTimes


@dataclass(frozen=True, slots=True)
class _Due:
    """The session ends for `reason` at `at`, unless something happens before."""

    at: float
    reason: str


class Timers:
    """
    What a session waits for. Times are monotonic seconds.

    Args:
        times: Limits.
        now: When the bind goes out.
    """

    def __init__(self, times: SessionTimes, now: float) -> None:
        self._times = times
        self._heard = now
        self._due: _Due | None = _Due(now + times.bind, f"no answer to the bind within {times.bind:g} s")
        #: An enquiry is out, and silence will end the session.
        self.enquiring = False

    def note_bound(self) -> None:
        """Wait for the answer to the bind no longer."""
        self._due = None

    def note_sign(self, now: float) -> None:
        """Take a sign of life from the peer."""
        self._heard = now
        if self.enquiring:
            self.enquiring = False
            self._due = None

    def note_enquiry(self, now: float) -> None:
        """Wait for a sign of life, unless that is waited for already."""
        if not self.enquiring:
            self.enquiring = True
            seconds = self._times.answer
            self._due = _Due(now + seconds, f"no sign of life within {seconds:g} s of an enquire_link")

    def note_leaving(self, now: float, reason: str) -> None:
        """Wait for the end, which then comes for this reason."""
        self.enquiring = False
        self._due = _Due(now + self._times.unbind, reason)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._due = None

    def find_overdue(self, now: float) -> str | None:
        """Return why the session is over, or None."""
        return self._due.reason if self._due is not None and now >= self._due.at else None

    def is_idle(self, now: float) -> bool:
        """Tell whether nothing is waited for and the peer has been silent for too long."""
        return self._due is None and now >= self._heard + self._times.idle

    def next(self, *, bound: bool) -> float | None:
        """Return when to look again at the latest, or None for never; only a bound session asks a silent peer."""
        if self._due is not None:
            return self._due.at
        return self._heard + self._times.idle if bound else None
