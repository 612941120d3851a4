"""What ``smsotp check`` says of the queue: who takes messages from it, how full it is, and what is wrong there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.errors import ConfigError, OtherKey, StoreError
from smsotp_plugin.settings import Settings
from smsotp_plugin.settings.keys import find_key_names
from smsotp_plugin.settings.sections.queue import QueueMode
from smsotp_plugin.stores.key_names import NO_KEYS
from smsotp_plugin.stores.queue import QueueView
from smsotp_plugin.stores.schemes import compare_keys, list_processes, look_at_queue

_ANOTHER_STORE = (
    "queue.url: it leads to another store than store.url, but a message waits where its challenge is kept: name the same one, or "
    "leave it out"
)


@dataclass(frozen=True, slots=True)
class QueueFindings:
    """
    What was seen.

    Attributes:
        workers: In words, how many live and how many messages wait for them; empty where there need be none.
        warnings: What prevents log-ins now, or soon, and is over when somebody does something about it, as sentences.
        problems: What prevents them for good, likewise.
    """

    workers: str = ""
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()


def look_after_queue(settings: Settings) -> QueueFindings:
    """Ask the store about workers, as servers and workers do, where the configuration is one for them."""
    queue = settings.queue
    if queue.mode is QueueMode.PROCESS:
        return QueueFindings()
    ways = {"store.url": settings.store}
    if queue.url is not None:
        ways["queue.url"] = queue.reach(settings.store)
    views: list[QueueView] = []
    processes: list[frozenset[str]] = []
    warnings: list[str] = []
    problems: list[str] = []
    try:
        keys = find_key_names(settings)
    except ConfigError:
        # Whoever asks may not read the file, or it is not there yet.
        keys = NO_KEYS
    for place, store in ways.items():
        try:
            views.append(look_at_queue(store))
            processes.append(list_processes(store))
            compare_keys(store, keys)
        except OtherKey as exc:
            problems.append(f"{place}: {exc}")
        except StoreError as exc:
            warnings.append(f"{place}: what goes on at the queue cannot be seen this way from here: {exc}")
    if not views:
        return QueueFindings("unknown", warnings)
    view, most = views[0], settings.dispatch.queue
    counted = "1 lives" if len(view.workers) == 1 else f"{len(view.workers)} live"
    return QueueFindings(
        f"{counted}, {view.waiting} of {most} messages wait for them",
        [*warnings, *_find_warnings(settings, view)],
        [*dict.fromkeys(problems), *([_ANOTHER_STORE] if _are_strangers(processes) else [])],
    )


def _are_strangers(processes: Sequence[frozenset[str]]) -> bool:
    """Tell whether two ways lead to two stores: whoever uses a store is seen by every way to it."""
    return len(processes) > 1 and bool(frozenset().union(*processes)) and not processes[0] & processes[1]


def _find_warnings(settings: Settings, view: QueueView) -> Iterator[str]:
    most = settings.dispatch.queue
    if not view.workers:
        yield "queue.mode: no worker lives, and log-ins are refused until one does: start smsotp worker"
    if view.waiting >= most:
        yield (
            f"dispatch.queue: {view.waiting} messages wait for workers, which is as many as may, and log-ins are refused: start "
            "more workers, or see in their log why gateways take so long"
        )
    elif 2 * view.waiting >= most:
        yield f"dispatch.queue: {view.waiting} messages wait for workers, which is half of what may or more: start more workers"
    yield from _find_gateway_warnings(settings, view)


def _find_gateway_warnings(settings: Settings, view: QueueView) -> Iterator[str]:
    if not view.workers:
        return
    for name in settings.gateways:
        seen = {worker[name].condition for worker in view.workers if name in worker}
        if not seen:
            yield f"gateways.{name}: no worker has it: give workers and servers the same configuration"
        elif seen == {Condition.DEAD.value}:
            yield f"gateways.{name}: it is dead for all workers, whose log says why"
    for name in sorted({name for worker in view.workers for name in worker} - {*settings.gateways}):
        yield f"gateways: a worker has {name}, which is not in this file: give workers and servers the same configuration"
