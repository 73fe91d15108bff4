"""Merchants, their services and fees; legal entities, providers and the channels (PLE) between them.

The public face of the slice: what other slices may use. Nothing here moves money.
"""

from wisipay.merchants.directory import MERCHANTS_CHANGED, Directory
from wisipay.merchants.fees import Fee, fee_for
from wisipay.merchants.model import (
    SERVICE_KINDS,
    ApiSecret,
    Channel,
    FeeCharge,
    FeeStrategy,
    FeeTier,
    Limits,
    Merchant,
    MerchantStatus,
    ProviderType,
    ServiceConfig,
    ServiceKind,
)

__all__ = [
    "MERCHANTS_CHANGED",
    "SERVICE_KINDS",
    "ApiSecret",
    "Channel",
    "Directory",
    "Fee",
    "FeeCharge",
    "FeeStrategy",
    "FeeTier",
    "Limits",
    "Merchant",
    "MerchantStatus",
    "ProviderType",
    "ServiceConfig",
    "ServiceKind",
    "fee_for",
]
