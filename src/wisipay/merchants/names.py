"""The form of names, ids and addresses that this slice takes from people.

Decides what is refused before it is stored, and how an id is made from a name. Must never repair anything silently but
surrounding space and the case of an e-mail address.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from wisipay.merchants.errors import InvalidValue

_NAME_MIN, _NAME_MAX = 2, 120
_SLUG_MAX: Final = 40
_EMAIL_MAX: Final = 254
_URL_MAX: Final = 2000
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_MERCHANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Z0-9]{5,30}", re.ASCII)
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.ASCII)
_GSTIN = re.compile(r"[0-9]{2}[A-Z0-9]{13}", re.ASCII)
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def checked_name(field: str, value: str) -> str:
    """Trim a name and check its length (2 to 120)."""
    name = value.strip()
    if not _NAME_MIN <= len(name) <= _NAME_MAX or not name.isprintable():
        raise InvalidValue(field, f"must be {_NAME_MIN} to {_NAME_MAX} printable characters")
    return name


def checked_email(value: str) -> str:
    """Trim and lower an e-mail address."""
    email = value.strip().lower()
    if len(email) > _EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise InvalidValue("email", "must be an e-mail address")
    return email


def checked_merchant_id(value: str) -> str:
    """Check an id that a merchant brings along; it goes into headers and account ids."""
    if not _MERCHANT_ID.fullmatch(value):
        raise InvalidValue("merchantId", "must be 1 to 40 letters, digits, - or _, the first no sign")
    return value


def checked_identifier(value: str) -> str:
    """Check a company's PAN or CIN, in capitals."""
    return _matching(_IDENTIFIER, "identifier", value, "must be a PAN or CIN")


def checked_ifsc(value: str) -> str:
    """Check the code of a bank branch, in capitals."""
    return _matching(_IFSC, "ifsc", value, "must be 4 letters, a zero and 6 letters or digits")


def checked_gstin(value: str) -> str:
    """Check a GST number, in capitals."""
    return _matching(_GSTIN, "gstin", value, "must be 15 characters, the first two digits")


def _matching(form: re.Pattern[str], field: str, value: str, problem: str) -> str:
    text = value.strip().upper()
    if not form.fullmatch(text):
        raise InvalidValue(field, problem)
    return text


def slug_of(field: str, name: str) -> str:
    """Make an id from a name: "Axis Bank Ltd." is "axis-bank-ltd"."""
    slug = _NOT_SLUG.sub("-", name.strip().lower()).strip("-")[:_SLUG_MAX].strip("-")
    if not slug:
        raise InvalidValue(field, "must hold a letter or a digit of the Latin alphabet, to make an id from")
    return slug


def checked_callback_url(value: str, *, https_only: bool, field: str = "callbackUrl") -> str:
    """Check the form of a callback address; where it leads is checked again at every delivery.

    A refusal names `field`.
    """
    url = value.strip()
    wanted = "https" if https_only else "http or https"
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        is_good = False
    else:
        is_good = is_good and parts.scheme in ({"https"} if https_only else {"http", "https"})
    if not is_good or len(url) > _URL_MAX or not url.isprintable() or " " in url:
        raise InvalidValue(field, f"must be an {wanted} address with a host and without a user name")
    return url
