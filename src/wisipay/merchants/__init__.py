"""Merchants, their services and fees; legal entities, providers and the channels (PLE) between them.

The public face of the slice: what other slices may use. Nothing here moves money.
"""

from wisipay.merchants.api_secrets import NewSecret, onboard_merchant, rotate_secret
from wisipay.merchants.authentication import Refusal
from wisipay.merchants.author import Author
from wisipay.merchants.channel_calendar import add_maintenance, end_maintenance, set_hours, state_float
from wisipay.merchants.channels import change_channel, create_channel, set_credentials
from wisipay.merchants.directory import MERCHANTS_CHANGED, Directory
from wisipay.merchants.errors import (
    AlreadyExists,
    InvalidValue,
    NotOnboarded,
    TiersOverlap,
    UnknownChannel,
    UnknownLegalEntity,
    UnknownMerchant,
    UnknownProvider,
    UnknownRule,
    UnknownTier,
    UnknownWindow,
)
from wisipay.merchants.fee_tiers import add_tier, remove_tier
from wisipay.merchants.fees import Fee, fee_for, parse_percentage, percentage_text, tier_for
from wisipay.merchants.gate import GatePolicy, MerchantGate
from wisipay.merchants.legal_entities import BankAccount, LegalEntity, create_legal_entity, read_legal_entities
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
from wisipay.merchants.names import checked_callback_url
from wisipay.merchants.providers import Provider, create_provider, read_providers
from wisipay.merchants.registration import create_merchant
from wisipay.merchants.routing import set_routing
from wisipay.merchants.routing_rules import add_rule, checked_minute, remove_rule
from wisipay.merchants.routing_types import (
    MODES,
    Maintenance,
    ModeHours,
    RoutingBook,
    RoutingRule,
    RuleAction,
    StatedFloat,
    is_within,
)
from wisipay.merchants.service_settings import ServiceChange, ServiceOwner, change_service
from wisipay.merchants.settings import MerchantChange, change_merchant
from wisipay.merchants.signed_request import SIGNED_HEADERS, SignedRequest
from wisipay.merchants.store import read_channels, read_merchant_ids, read_merchants, read_routing_book

__all__ = [
    "MERCHANTS_CHANGED",
    "MODES",
    "SERVICE_KINDS",
    "SIGNED_HEADERS",
    "AlreadyExists",
    "ApiSecret",
    "Author",
    "BankAccount",
    "Channel",
    "Directory",
    "Fee",
    "FeeCharge",
    "FeeStrategy",
    "FeeTier",
    "GatePolicy",
    "InvalidValue",
    "LegalEntity",
    "Limits",
    "Maintenance",
    "Merchant",
    "MerchantChange",
    "MerchantGate",
    "MerchantStatus",
    "ModeHours",
    "NewSecret",
    "NotOnboarded",
    "Provider",
    "ProviderType",
    "Refusal",
    "RoutingBook",
    "RoutingRule",
    "RuleAction",
    "ServiceChange",
    "ServiceConfig",
    "ServiceKind",
    "ServiceOwner",
    "SignedRequest",
    "StatedFloat",
    "TiersOverlap",
    "UnknownChannel",
    "UnknownLegalEntity",
    "UnknownMerchant",
    "UnknownProvider",
    "UnknownRule",
    "UnknownTier",
    "UnknownWindow",
    "add_maintenance",
    "add_rule",
    "add_tier",
    "change_channel",
    "change_merchant",
    "change_service",
    "checked_callback_url",
    "checked_minute",
    "create_channel",
    "create_legal_entity",
    "create_merchant",
    "create_provider",
    "end_maintenance",
    "fee_for",
    "is_within",
    "onboard_merchant",
    "parse_percentage",
    "percentage_text",
    "read_channels",
    "read_legal_entities",
    "read_merchant_ids",
    "read_merchants",
    "read_providers",
    "read_routing_book",
    "remove_rule",
    "remove_tier",
    "rotate_secret",
    "set_credentials",
    "set_hours",
    "set_routing",
    "state_float",
    "tier_for",
]
