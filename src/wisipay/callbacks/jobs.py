"""The mail that tells a merchant that an address of its is no longer sent to.

A job of the transaction that switched the address off, so it is never lost; it looks the merchant up when it runs, so
that no address of a person lies in the queue. Mounted by entrypoints.
"""

from __future__ import annotations

from typing import Final

import msgspec

from wisipay.callbacks.delivery import MerchantSource
from wisipay.callbacks.switching import SWITCHED_OFF_MAIL, SwitchedOff
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job
from wisipay.core.logging import get_logger
from wisipay.mail import Mail, Mailer

_SERVICES: Final = {"PAYIN": "the callback URL of your payins", "PAYOUT": "the callback URL of your payouts"}
_log = get_logger(__name__)


def add_handlers(worker: JobWorker, merchants: MerchantSource, mailer: Mailer, brand: str) -> None:
    """Register the job; `brand` is who the mail says it is from."""

    async def mail(job: Job) -> None:
        told = msgspec.convert(job.payload, SwitchedOff)
        merchant = await merchants.merchant(told.merchant_id)
        if merchant is None:
            _log.warning("callback.nobody_to_mail", merchant_id=told.merchant_id, endpoint_id=told.endpoint_id)
            return
        await mailer.send(switched_off_mail(told, merchant.email, brand, f"callbacks-{job.id}"))

    worker.handle(SWITCHED_OFF_MAIL, mail)


def switched_off_mail(told: SwitchedOff, to: str, brand: str, mail_id: str) -> Mail:
    """Write the mail."""
    what = _SERVICES.get(told.endpoint_id, f"your endpoint {told.endpoint_id}")
    text = f"""We no longer send callbacks to {what}:

  {told.url}

Reason: {told.reason}.

Payments go on as before; ask for their status, or look at them in the panel. Callbacks that were on their way are kept
and go on in their order once the address is switched on again. Those of the time in between are kept too, and can be
sent again. Mend the address, then switch it on, or ask us to.

Merchant: {told.merchant_id}
"""
    return Mail(id=mail_id, to=to, subject=f"{brand}: callbacks to your endpoint are switched off", text=text)
