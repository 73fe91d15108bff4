"""Payment providers: one interface, an adapter per provider, and the gateway through which payments call them."""

from wisipay.providers.base import (
    Accepted,
    Capabilities,
    CreateOutcome,
    Credentials,
    NotFound,
    OrderRules,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    ProviderAdapter,
    ProviderStatus,
    Rejected,
    StatusOutcome,
    StatusReport,
    Unknown,
    WebhookRoute,
    WebhookUnreadable,
    WebhookWord,
)
from wisipay.providers.breaker import BreakerPolicy
from wisipay.providers.breaker_store import BreakerStore
from wisipay.providers.capture import CapturedExchange, CaptureHook
from wisipay.providers.errors import InvalidCredentials, UnknownAdapter
from wisipay.providers.gateway import ChannelSource, ProviderGateway
from wisipay.providers.health import Health, HealthPolicy, Standing, State
from wisipay.providers.health_store import HealthStore
from wisipay.providers.http import HttpPolicy, ProviderHttp
from wisipay.providers.inquiries import Awaited, Balance, Beneficiary, Judged, ValidationOutcome
from wisipay.providers.outgoing import numeric_name
from wisipay.providers.proxy import (
    ProviderProxy,
    ProxyAnswer,
    ProxyPolicy,
    ProxyRefused,
    ProxyRequest,
    known_hosts,
    read_request,
)
from wisipay.providers.registry import (
    adapter_names,
    build,
    capabilities_of,
    check_credentials,
    credentials_schema,
    register,
)

__all__ = [
    "Accepted",
    "Awaited",
    "Balance",
    "Beneficiary",
    "BreakerPolicy",
    "BreakerStore",
    "Capabilities",
    "CaptureHook",
    "CapturedExchange",
    "ChannelSource",
    "CreateOutcome",
    "Credentials",
    "Health",
    "HealthPolicy",
    "HealthStore",
    "HttpPolicy",
    "InvalidCredentials",
    "Judged",
    "NotFound",
    "OrderRules",
    "PayinOrder",
    "PaymentKind",
    "PayoutOrder",
    "ProviderAdapter",
    "ProviderGateway",
    "ProviderHttp",
    "ProviderProxy",
    "ProviderStatus",
    "ProxyAnswer",
    "ProxyPolicy",
    "ProxyRefused",
    "ProxyRequest",
    "Rejected",
    "Standing",
    "State",
    "StatusOutcome",
    "StatusReport",
    "Unknown",
    "UnknownAdapter",
    "ValidationOutcome",
    "WebhookRoute",
    "WebhookUnreadable",
    "WebhookWord",
    "adapter_names",
    "build",
    "capabilities_of",
    "check_credentials",
    "credentials_schema",
    "known_hosts",
    "numeric_name",
    "read_request",
    "register",
]
