"""The ways a mail leaves: printed, by SMTP, or over the API of ZeptoMail or Maileroo.

Decides the shape of each provider's request. A mail counts as sent when the provider took it; anything else raises
MailRefused. Must never put a key into an error, and never send a password over SMTP without TLS.
"""

import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiosmtplib
import msgspec

from wisipay.core.config import Settings
from wisipay.core.http_client import AnswerLost, HttpClient, NotSent
from wisipay.mail.message import Mail, MailRefused, Sender, email_message

TIMEOUT_SECONDS: Final = 20
_ANSWER_BYTES_MAX: Final = 4_096


class Mailer(Protocol):
    """A way for mail to leave."""

    async def send(self, mail: Mail) -> None:
        """Send a mail, once. Raises MailRefused."""
        ...


class ConsoleMailer:
    """Prints mails: for development, where nobody's inbox is meant."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Print the mail as a block of its own."""
        message = email_message(mail, self._sender)
        head = "\n".join(f"{name}: {value}" for name, value in message.items() if name in {"From", "To", "Subject"})
        sys.stdout.write(f"\n{head}\n\n{mail.text.rstrip()}\n\n")
        sys.stdout.flush()


class SmtpMailer:
    """Sends by SMTP, over TLS from the first byte where `secure`, otherwise after STARTTLS where the server has it."""

    def __init__(self, settings: Settings, sender: Sender) -> None:
        self._settings = settings
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises MailRefused."""
        settings = self._settings
        has_user = bool(settings.smtp_user)
        try:
            await aiosmtplib.send(
                email_message(mail, self._sender),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_user if has_user else None,
                password=settings.smtp_pass if has_user else None,
                use_tls=settings.smtp_secure,
                # Left open, TLS is taken where it is offered; a password goes over nothing but TLS.
                start_tls=False if settings.smtp_secure else (True if has_user else None),
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailRefused(f"the mail server did not take it: {type(error).__name__}") from error


class ApiMailer:
    """Sends over a provider's HTTP API: one POST of JSON."""

    def __init__(
        self, client: HttpClient, url: str, headers: Mapping[str, str], body: Callable[[Mail], dict[str, Any]]
    ) -> None:
        self._client = client
        self._url = url
        self._headers = {"content-type": "application/json", "accept": "application/json", **headers}
        self._body = body

    async def send(self, mail: Mail) -> None:
        """Post the mail. Raises MailRefused for anything but a 2xx."""
        try:
            answer = await self._client.request(
                "POST",
                self._url,
                headers=self._headers,
                body=msgspec.json.encode(self._body(mail)),
                timeout_seconds=TIMEOUT_SECONDS,
                max_bytes=_ANSWER_BYTES_MAX,
                cut_body=True,
            )
        except (NotSent, AnswerLost) as error:
            raise MailRefused(f"the mail provider did not answer: {error}") from error
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise MailRefused(f"the mail provider answered {answer.status}")


def mailer_of(settings: Settings, client: HttpClient) -> Mailer:
    """Return the way that MAIL_PROVIDER names; `client` calls the providers that have an API."""
    sender = Sender(settings.mail_from_email, settings.mail_from_name)
    if settings.mail_provider == "smtp":
        return SmtpMailer(settings, sender)
    if settings.mail_provider == "zeptomail":
        return _zeptomail(settings, client, sender)
    if settings.mail_provider == "maileroo":
        return _maileroo(settings, client, sender)
    return ConsoleMailer(sender)


def _zeptomail(settings: Settings, client: HttpClient, sender: Sender) -> Mailer:
    """ZeptoMail, "Email Sending API" v1.1: the send token, scheme included or not, stands in `authorization`."""

    def body(mail: Mail) -> dict[str, Any]:
        return {
            "from": {"address": sender.address, "name": sender.name},
            "to": [{"email_address": {"address": mail.to}}],
            "subject": mail.subject,
            "textbody": mail.text,
            "client_reference": mail.id,
            "track_clicks": False,
            "track_opens": False,
        }

    token = settings.zeptomail_token.rpartition(" ")[2]
    return ApiMailer(client, settings.zeptomail_url, {"authorization": f"Zoho-enczapikey {token}"}, body)


def _maileroo(settings: Settings, client: HttpClient, sender: Sender) -> Mailer:
    """Maileroo, "Email API" v2: the sending key stands in `x-api-key`."""

    def body(mail: Mail) -> dict[str, Any]:
        return {
            "from": {"address": sender.address, "display_name": sender.name},
            "to": [{"address": mail.to}],
            "subject": mail.subject,
            "plain": mail.text,
            "tracking": False,
            "tags": {"id": mail.id},
        }

    return ApiMailer(client, settings.maileroo_url, {"x-api-key": settings.maileroo_api_key}, body)
