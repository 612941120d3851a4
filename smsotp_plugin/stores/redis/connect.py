"""From the settings to a way to Redis; and which versions of the plugin can share a Redis."""

from collections.abc import Callable, Sequence

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import StoreError
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.stores.redis.address import RedisPlace
from smsotp_plugin.stores.redis.line import Access, Reply, ReplyError, Word, explain
from smsotp_plugin.stores.redis.link import ELSEWHERE, LIMIT, Link
from smsotp_plugin.stores.redis.locate import make_locator
from smsotp_plugin.stores.redis.scripts import Scripts
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.wire.channel import Broken
from smsotp_plugin.wire.tls import make_tls_context

#: The version of what the keys hold. A change that an older plugin would read wrongly raises it.
VERSION = 1
#: Errors that say that nothing can be written for now: too few replicas, a full disk, full memory, a script that does not end.
_PASSING = ("NOREPLICAS ", "MISCONF ", "OOM ", "BUSY ")


def connect(  # noqa: PLR0913  (where, by whose clock, and how patiently)
    settings: RedisSettings,
    clock: Clock,
    *,
    turn: Callable[[], float] | None = None,
    changes_nothing: bool = False,
    limit: float = LIMIT,
    tells: bool = True,
) -> tuple[Link, Scripts]:
    """
    Prepare the way to a Redis; nothing is connected yet.

    Args:
        settings: Where it is.
        clock: Time.
        turn: See `Scripts`.
        changes_nothing: Whether the Redis is only looked at.
        limit: Seconds that a call may take.
        tells: Whether it is logged that Redis does not answer, and that it answers again.

    Raises:
        StoreError: `ca_file` cannot be read any more.
    """
    address = settings.address
    try:
        tls = make_tls_context(settings.ca_file or True) if address.tls else None
    except OSError as exc:
        raise StoreError(f"{settings.ca_file} cannot be read: {exc.strerror}") from exc
    data = Access(
        address.username or settings.username or "",
        address.password or _reveal(settings.password),
        address.database,
        tls,
    )
    sentinels = Access(settings.sentinel_username or "", _reveal(settings.sentinel_password), 0, tls)
    key = f"{{{settings.prefix}}}:version"
    greeting: list[tuple[Word, ...]] = [] if changes_nothing else [("SET", key, VERSION, "NX")]
    locator = make_locator(address, key, data, sentinels)
    link = Link(locator, data, [*greeting, ("GET", key)], _judge, clock, limit=limit, tells=tells)
    return link, Scripts(link, settings.prefix, clock, turn)


def _reveal(secret: SecretSetting | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _judge(place: RedisPlace, replies: Sequence[Reply]) -> None:
    """
    Judge what a server answers to the greeting.

    Raises:
        Broken: It cannot be used now.
        StoreError: It cannot be used.
    """
    for reply in replies:
        if isinstance(reply, ELSEWHERE) or (
            isinstance(reply, ReplyError) and explain(reply).startswith(_PASSING)
        ):
            raise Broken(f"Redis at {place} does not serve now: {explain(reply)}")
        if isinstance(reply, ReplyError):
            raise StoreError(f"Redis at {place} cannot be used: {explain(reply)}")
    version = replies[-1]
    if isinstance(version, bytes) and version != b"%d" % VERSION:
        raise StoreError(
            f"Redis at {place} holds what another smsotp-plugin has written (version {version.decode(errors='replace')}, "
            f"this one knows {VERSION}): install that one, or give this one another [store] prefix (pending log-ins are lost)"
        )
