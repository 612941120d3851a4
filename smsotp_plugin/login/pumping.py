"""
Notices SMS pumping by the share of codes that are answered, logs it, and stops it: whoever pumps SMS never answers.

A brake stops the SMS to a block of numbers, from a station, or to a country that nobody answers from while others do answer.
A country or a client from which people do answer is only named in the log: nobody can cut a whole site off by not answering.
"""

import logging
import threading
from collections.abc import Sequence
from functools import lru_cache

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import Braked, StoreError
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import quote
from smsotp_plugin.login.budget_keys import Keys
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.login.shares import GRACE, HISTORY, STEP, Anomaly, AnswerShares, SmsOrigin
from smsotp_plugin.news import News
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.settings.sections.limits import LimitMode, LimitSettings
from smsotp_plugin.sms.kinds import cut_block, find_country_of_block
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.answers import AnswerCount, AnswerStore, Brake, Fate
from smsotp_plugin.stores.budgets import BudgetStore, Scope
from smsotp_plugin.stores.kind import Store

log = logging.getLogger("smsotp.limits")

_OUTAGE = "codes are not answered even where they usually are: do the gateways' SMS arrive?"
#: Seconds of a brake.
BRAKE = 43200.0
#: Seconds after which counts are stored again, and after which those of earlier days are read again.
_KEEP, _LOOK_BACK = 60.0, 86400.0
_HOUR = 3600.0
_HOURS_A_DAY = 24
_STEPS_AN_HOUR = int(_HOUR / STEP)
_REMEMBERED = 16384


class PumpingWatch:
    """
    Watches which SMS are answered, and brakes.

    Args:
        limits: The section ``[limits]``.
        names: Makes fingerprints.
        store: Keeps counts and brakes.
        clock: Time.
    """

    def __init__(self, limits: LimitSettings, names: Fingerprints, store: Store, clock: Clock) -> None:
        self._enforced = limits.pumping is LimitMode.ENFORCE
        self._keys = Keys(names)
        self._store: AnswerStore = store
        self._counter: BudgetStore = store
        self._clock = clock
        self._lock = threading.Lock()
        self._shares = AnswerShares(clock.monotonic())
        self._find_others = lru_cache(_REMEMBERED)(self._make_others)
        #: The request that was checked last, and what its SMS counts for: it is asked for again when the SMS is sent.
        self._latest: tuple[LoginRequest | None, tuple[SmsOrigin, ...]] = None, ()
        #: By key; until when, in monotonic seconds.
        self._brakes: dict[str, tuple[Brake, float]] = {}
        #: Keys and beginnings of brakes that are over here, but not yet by the clock of the store, because that was set back.
        self._over: set[tuple[str, float]] = set()
        #: Brakes that the store does not have yet.
        self._new: list[Brake] = []
        self._news = News(clock)
        self._keep_at = self._look_back_at = float("-inf")
        self._rounds = Rounds("smsotp-pumping", self.keep, clock)

    def start(self) -> None:
        """Begin to store what is counted, and to notice what other processes do."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop doing so, after storing everything once more."""
        self._rounds.stop()
        self._keep_at = float("-inf")
        self.keep()

    def check(self, request: LoginRequest, number: PhoneNumber) -> None:
        """
        Check whether an SMS may be sent, before anything is done for it.

        Raises:
            Braked: Codes are hardly ever answered there, and brakes are enforced.
        """
        now = self._clock.monotonic()
        origins = self._list_origins(request, number)
        self._latest = request, origins
        with self._lock:
            found = self._shares.settle(now)
            if found:
                self._act(found, now)
            for origin in origins if self._brakes else self._shares.list_busy(origins):
                held = self._find_brake(origin, now)
                if held is None:
                    continue
                if self._enforced:
                    raise held
                self._counter.count("pumping recorded")

    def note_sent(self, state: str, request: LoginRequest, number: PhoneNumber) -> None:
        """Note that an SMS with the code of a challenge is sent."""
        of, origins = self._latest
        if of is not request:
            origins = self._list_origins(request, number)
        with self._lock:
            self._shares.note_sent(state, origins, self._clock.monotonic())

    def note_answered(self, state: str) -> None:
        """Note that a challenge was answered rightly."""
        self._note(state, Fate.ANSWERED)

    def note_unsent(self, state: str) -> None:
        """Note that no gateway took an SMS."""
        self._note(state, Fate.UNSENT)

    def keep(self) -> None:
        """Store what is counted, and notice what other processes have done with SMS and brakes; called once a second."""
        self._hear()
        now = self._clock.monotonic()
        with self._lock:
            self._act(self._shares.settle(now), now)
            if self._shares.is_outage():
                self._tell("", _OUTAGE)
        try:
            if now >= self._look_back_at:
                self._look_back(now)
            if now >= self._keep_at:
                self._keep_counts(now)
            self._keep_brakes(now)
        except StoreError as exc:
            log.debug("shares of answers are not kept at present: %s", exc)

    def _note(self, state: str, fate: Fate) -> None:
        """Note what became of an SMS, or tell the server that sent it: another one, or the one whose worker this is."""
        with self._lock:
            is_ours = self._learn(state, fate)
        if not is_ours:
            self._store.tell_fate(state, fate)

    def _hear(self) -> None:
        try:
            told = self._store.hear_fates()
        except StoreError as exc:
            log.debug("what became of SMS at other servers is not known at present: %s", exc)
            return
        with self._lock:
            for state, fate in told:
                self._learn(state, fate)

    def _learn(self, state: str, fate: Fate) -> bool:
        shares = self._shares
        return shares.note_answered(state) if fate is Fate.ANSWERED else shares.note_unsent(state)

    def _list_origins(self, request: LoginRequest, number: PhoneNumber) -> tuple[SmsOrigin, ...]:
        found = self._find_others(cut_block(number.e164), number.region, request.client)
        station = request.station.strip()
        return (*found, SmsOrigin(f"s{station.casefold()}", station)) if station else found

    def _make_others(self, block: str, region: str, client: str) -> tuple[SmsOrigin, ...]:
        country = find_country_of_block(block, region)
        labels = ((Scope.PREFIX, block), (Scope.COUNTRY, country), (Scope.CLIENT, client or "none"))
        return tuple([SmsOrigin(self._keys.other(scope, label)[0], label) for scope, label in labels])

    def _find_brake(self, origin: SmsOrigin, now: float) -> Braked | None:
        brake = self._brakes.get(origin.key)
        if brake is not None:
            if now < brake[1]:
                return Braked(describe_origin(origin), brake[0].reason, brake[1] - now, BRAKE)
            del self._brakes[origin.key]
            self._over.add((origin.key, brake[0].since))
        # What is only logged is found by `settle`; here it would be judged again with each SMS.
        finding = self._shares.judge(origin) if self._may_brake(origin) else None
        if finding is None:
            return None
        if finding.is_settled:
            return self._brake(finding, now)
        return Braked(describe_origin(origin), _explain(finding), GRACE, BRAKE) if self._enforced else None

    def _may_brake(self, origin: SmsOrigin) -> bool:
        match origin.key[0]:
            case Scope.PREFIX | Scope.STATION:
                return True
            case Scope.COUNTRY:
                return self._shares.has_answers() and not self._shares.is_familiar(origin.key)
            case _:
                return False

    def _act(self, findings: Sequence[Anomaly], now: float) -> None:
        for finding in findings:
            origin = finding.origin
            if origin.key in self._brakes:
                continue
            if self._may_brake(origin):
                self._brake(finding, now)
            elif origin.key[0] in {Scope.COUNTRY, Scope.CLIENT}:
                self._tell(
                    origin.key,
                    f"{describe_origin(origin)}: {_explain(finding)}; is somebody pumping SMS?",
                )

    def _brake(self, finding: Anomaly, now: float) -> Braked:
        origin, why = finding.origin, _explain(finding)
        since = self._clock.time()
        brake = Brake(origin.key, origin.label, since, since + BRAKE, why, self._enforced)
        self._brakes[origin.key] = brake, now + BRAKE
        self._new.append(brake)
        what = "no SMS are sent there" if self._enforced else "no SMS would be sent there (limits.pumping)"
        named = describe_origin(origin)
        log.warning("%s: %s; %s for 12 hours, smsotp limits lifts that", named, why, what)
        self._counter.count("pumping brakes")
        return Braked(named, why, BRAKE, BRAKE)

    def _tell(self, key: str, text: str) -> None:
        if self._news.is_news(key, seconds=BRAKE):
            self._counter.count("pumping alarms")
            log.warning("%s", text)

    def _look_back(self, now: float) -> None:
        """Read what was answered on earlier days, and the first time also what was answered today."""
        this_hour = int(self._clock.time() // _HOUR)
        counts = self._store.load_answers(this_hour - _HOURS_A_DAY * HISTORY)
        first = self._look_back_at == float("-inf")
        days: dict[tuple[str, int], int] = {}
        with self._lock:
            for count in counts:
                age = max(0, this_hour - count.hour)
                if age >= _HOURS_A_DAY:
                    day = count.key, age // _HOURS_A_DAY
                    days[day] = days.get(day, 0) + count.answered
                elif first:
                    self._shares.load(
                        count.key,
                        answered=count.answered,
                        unanswered=count.unanswered,
                        steps=age * _STEPS_AN_HOUR,
                    )
            best: dict[str, int] = {}
            for (key, _), answered in days.items():
                if answered > best.get(key, 0):
                    best[key] = answered
            self._shares.set_best(best)
            self._look_back_at = now + _LOOK_BACK

    def _keep_counts(self, now: float) -> None:
        hour = int(self._clock.time() // _HOUR)
        with self._lock:
            changes = self._shares.take_changes()
        counts = [
            AnswerCount(key, hour, answered, unanswered)
            for key, (answered, unanswered) in changes.items()
            if key[:1] != Scope.STATION and (answered or unanswered)
        ]
        self._keep_at = now + _KEEP
        if counts:
            self._store.add_answers(counts)

    def _keep_brakes(self, now: float) -> None:
        with self._lock:
            new, self._new = self._new, []
            known = set(self._brakes)
        if new:
            try:
                self._store.put_brakes(new)
            except StoreError:
                with self._lock:
                    self._new[:0] = new
                raise
        wall = self._clock.time()
        kept = {brake.key: brake for brake in self._store.list_brakes() if brake.until > wall}
        with self._lock:
            self._over.intersection_update((key, brake.since) for key, brake in kept.items())
            for key in known - kept.keys():
                # If its time is not over, somebody has lifted it; if it is, a new brake follows unless something has changed.
                # A log-in may have found out already that its time is over.
                _, until = self._brakes.pop(key, (None, now))
                if now < until:
                    self._shares.forget(key)
            for key, brake in kept.items():
                if key not in self._brakes and brake.enforced and (key, brake.since) not in self._over:
                    self._brakes[key] = brake, now + min(BRAKE, brake.until - wall)


def describe_origin(origin: SmsOrigin | Brake) -> str:
    """Name the numbers, the country, the client or the station."""
    match origin.key[0]:
        case Scope.PREFIX:
            return f"numbers that begin with {origin.label}"
        case Scope.COUNTRY:
            return f"numbers of {origin.label}"
        case Scope.CLIENT:
            return f"client {quote(origin.label)}"
        case _:
            return f"station {quote(origin.label)}"


def _explain(finding: Anomaly) -> str:
    were = agree(finding.answered, "was", "were")
    return f"{finding.unanswered} codes of one {finding.span} were not answered and {finding.answered} {were}"
