"""What a mail is, and how it looks on the wire of SMTP.

Decides that a mail is plain text to one person. Must never let a text become a header: line ends in a subject or an
address are refused.
"""

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

import msgspec

_LINE_ENDS: Final = ("\r", "\n")


class MailRefused(Exception):  # noqa: N818 - says what happened, as the plain words do
    """The mail was not taken; the reason holds no secret. Trying again later may help."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to `to`. Sent twice, it has the same `id`, so that a mail program can tell."""

    id: str
    to: str
    subject: str
    text: str


class Sender(msgspec.Struct, frozen=True):
    """Who mails are from: MAIL_FROM_EMAIL and MAIL_FROM_NAME."""

    address: str
    name: str


def email_message(mail: Mail, sender: Sender) -> EmailMessage:
    """Build the message. Raises MailRefused for an address or a subject that no header can carry."""
    if any(end in text for text in (mail.to, mail.subject) for end in _LINE_ENDS):
        raise MailRefused("an address or a subject has a line end")
    message = EmailMessage()
    try:
        message["From"] = Address(sender.name, addr_spec=sender.address)
        message["To"] = Address(addr_spec=mail.to)
    except (ValueError, IndexError, HeaderParseError):  # the library's ways to say so: "a@" is an IndexError
        raise MailRefused("not an address that mail can be sent to") from None
    message["Subject"] = mail.subject
    message["Message-ID"] = f"<{mail.id}@{sender.address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
