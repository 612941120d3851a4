"""
The sections of the configuration file as models, a module for each; those of gateways and stores stand beside these.

The docstrings are read twice: by developers here, by administrators in ``docs/settings.md``, which is made from them.
"""

from collections.abc import Mapping

from pydantic import InstanceOf

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from smsotp_plugin.settings.sections.delivery_log import DeliveryLogSettings
from smsotp_plugin.settings.sections.dispatch import DispatchSettings
from smsotp_plugin.settings.sections.guesses import GuessSettings
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.settings.sections.log import LogSettings
from smsotp_plugin.settings.sections.notifications import NotificationSettings
from smsotp_plugin.settings.sections.otp import OtpSettings
from smsotp_plugin.settings.sections.queue import QueueSettings
from smsotp_plugin.settings.sections.routes import RouteSettings
from smsotp_plugin.settings.sections.users import UserSettings
from smsotp_plugin.stores.settings import StoreSettings


class Settings(SettingsModel):
    """
    The whole configuration.

    Attributes:
        otp: The one-time passwords.
        challenge: What the person who logs in is shown.
        guesses: How wrong codes are counted.
        limits: How many SMS are sent, at most.
        users: What is known about that person.
        store: Where challenges live.
        dispatch: How messages get to the gateways.
        queue: Which processes have the gateways.
        delivery_log: What is kept about each message.
        log: What is written to the log.
        smtp_servers: The mail servers by name, for gateways of the provider smtp.
        gateways: The gateways by name, in the file's order; at least one.
        routes: Which gateways for which messages; empty: all of them, in the file's order.
        notifications: Plain messages by name.
    """

    otp: OtpSettings
    challenge: ChallengeSettings
    guesses: GuessSettings
    limits: LimitSettings
    users: UserSettings
    store: InstanceOf[StoreSettings]
    dispatch: DispatchSettings
    queue: QueueSettings
    delivery_log: DeliveryLogSettings
    log: LogSettings
    smtp_servers: Mapping[str, InstanceOf[SmtpServer]]
    gateways: Mapping[str, InstanceOf[GatewaySettings]]
    routes: tuple[RouteSettings, ...] = ()
    notifications: Mapping[str, NotificationSettings]
