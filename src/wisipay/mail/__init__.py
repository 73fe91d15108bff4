"""Mail to people: one plain text to one address, by the way MAIL_PROVIDER names.

The public face of the slice. Mail is sent by jobs, which try again, so a mail may come twice and is never lost.
"""

from wisipay.mail.message import Mail, MailRefused
from wisipay.mail.providers import Mailer, mailer_of

__all__ = ["Mail", "MailRefused", "Mailer", "mailer_of"]
