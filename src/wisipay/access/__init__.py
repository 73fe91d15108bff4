"""Who may come in: request signatures, allowlists, rate windows and replays.

The public face of the slice. Knows no merchant: whoever asks brings secrets, lists and limits along.
"""

from wisipay.access.allowlist import client_address, contains, normalise_entries
from wisipay.access.rate import RateExceeded, RateLimit
from wisipay.access.replay import ReplayMark
from wisipay.access.signing import (
    Signature,
    SignatureVersion,
    legacy_hash,
    legacy_hash_matches,
    matching_secret,
    parse_signature,
    sign,
    v1_message,
    v2_message,
)
from wisipay.access.windows import Question, SharedWindows, Verdict

__all__ = [
    "Question",
    "RateExceeded",
    "RateLimit",
    "ReplayMark",
    "SharedWindows",
    "Signature",
    "SignatureVersion",
    "Verdict",
    "client_address",
    "contains",
    "legacy_hash",
    "legacy_hash_matches",
    "matching_secret",
    "normalise_entries",
    "parse_signature",
    "sign",
    "v1_message",
    "v2_message",
]
