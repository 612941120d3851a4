"""Postfix: a mail server with STARTTLS, TLS and AUTH that hands every mail to a mail-to-SMS service."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.net.ports import find_free_tcp_port
from tests.support.programs import Running, program

USERNAME = "smsotp"
PASSWORD = "postfix-password"
DOMAIN = "sms.example.com"
BLOCKED = "+491701234598"
BUSY = "+491701234599"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = localhost
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks =
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{
    {{ {blocked} = 550 5.1.1 unknown }}, {{ {busy} = 450 4.2.0 busy }} }}, permit_sasl_authenticated, reject
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {folder}/etc/server.pem
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_sasl_local_domain = localhost
relayhost = [localhost]:{relay}
smtp_host_lookup = native
smtp_tls_security_level = verify
smtp_tls_verify_cert_match = hostname
smtp_tls_CAfile = {folder}/etc/authority.pem
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{{ [localhost]:{relay}={relay_user}:{relay_password} }}
# A mail that is found while its deliverer still holds its lock rests for minutes, and Postfix counts in whole seconds: one
# second can be none.
minimal_backoff_time = 3s
queue_run_delay = 1s
{settings}
"""
# Debian's, without chroot and without what is not used here.
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: {folder}/etc/sasldb2
"""


class Postfix:
    """
    Needs root, as Postfix does.

    Args:
        folder: For its configuration, queue and logs; Postfix's own user must be able to get there.
        relay: Where the mails go, over STARTTLS and with a log-in.
        certificate: Key and certificate, PEM.
        authority: Who signed the relay's certificate, PEM.
        settings: Further lines of main.cf.
    """

    def __init__(
        self, folder: Path, relay: SmtpGateway, certificate: bytes, authority: Path, settings: str = ""
    ) -> None:
        self._folder = folder
        self.port = find_free_tcp_port()
        self.tls_port = find_free_tcp_port()
        self._make_folders()
        etc = folder / "etc"
        (etc / "server.pem").write_bytes(certificate)
        (etc / "server.pem").chmod(0o600)
        shutil.copy(authority, etc / "authority.pem")
        main = _MAIN.format(
            folder=folder,
            blocked=f"{BLOCKED}@{DOMAIN}",
            busy=f"{BUSY}@{DOMAIN}",
            relay=relay.port,
            relay_user=relay.accounts.smtp_username,
            relay_password=relay.accounts.smtp_password,
            settings=settings,
        )
        (etc / "main.cf").write_text(main)
        (etc / "master.cf").write_text(_MASTER.format(port=self.port, tls_port=self.tls_port))
        (etc / "sasl/smtpd.conf").write_text(_SASL.format(folder=folder))
        self._make_account(etc / "sasldb2")
        check = subprocess.run(
            [program("postfix", "postfix"), "-c", etc, "check"], capture_output=True, text=True, check=False
        )
        assert check.returncode == 0, check.stderr

    def __enter__(self) -> Self:
        master = program("/usr/lib/postfix/sbin/master", "postfix")
        with ExitStack() as started:
            # -d: does not leave its process group. Everything that it says goes to its log file.
            started.callback(
                Running([master, "-d", "-c", str(self._folder / "etc")], self._folder / "log/out").stop
            )
            self._log = Running(
                [
                    "/usr/bin/tail",
                    "--lines=+1",
                    "--retry",
                    "--follow=name",
                    str(self._folder / "log/mail.log"),
                ],
                self._folder / "log/followed",
            )
            started.callback(self._log.stop)
            self.wait_for("daemon started")
            self._started = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()

    @property
    def log(self) -> str:
        """Everything that Postfix has said."""
        return self._log.log

    def wait_for(self, text: str) -> None:
        """Wait until Postfix logs a line with this text."""
        self._log.wait_for(text)

    def _make_folders(self) -> None:
        for name in ("etc/sasl", "queue", "data", "log"):
            (self._folder / name).mkdir(parents=True)
        self._folder.chmod(0o755)
        try:
            shutil.chown(self._folder / "data", "postfix")
            shutil.chown(self._folder / "log", "postfix")
        except LookupError:
            pytest.fail("Postfix is not installed: apt-get install --no-install-recommends postfix")

    def _make_account(self, file: Path) -> None:
        subprocess.run(
            [program("saslpasswd2", "sasl2-bin"), "-p", "-c", "-f", file, "-u", "localhost", USERNAME],
            input=PASSWORD.encode(),
            check=True,
        )
        shutil.chown(file, group="postfix")
        file.chmod(0o640)
