"""What is sent to and answered by the calls about endpoints, as OpenAPI shows it. Shapes only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wisipay.callbacks import OVERLAP, OVERLAP_MAX
from wisipay.developers.contract import Cursor, MaybeText, Moment

REPLAYED_MAX: Final = 1_000
"""Events that one replay looks at."""

_HOURS: Final = 3600
_URL_EXAMPLE: Final = "https://books.example.com/callbacks"
_EVENTS_MEANING: Final = "`all`, or any of such as `payin.*`, `payout.failed`"

Url = Annotated[str, Meta(max_length=2000, description="https, public", examples=[_URL_EXAMPLE])]
EventWord = Annotated[str, Meta(max_length=40)]
EventWords = Annotated[list[EventWord], Meta(max_length=20, description=_EVENTS_MEANING, examples=[["payin.*"]])]
Description = Annotated[str, Meta(max_length=200, description="what it is for, in one line")]
State = Literal["WAITING", "PAUSED", "DELIVERED", "DEAD", "SWITCHED_OFF", "CANCELLED"]


class NewEndpointBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """An endpoint to be added."""

    url: Url
    events: EventWords = msgspec.field(default_factory=list)
    description: Description = ""


class EndpointChangeBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; what is not there stays."""

    url: Url | UnsetType = UNSET
    events: EventWords | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class RotateBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """How long the secrets before the new one sign beside it."""

    overlap_hours: Annotated[
        int, Meta(ge=0, le=OVERLAP_MAX // OVERLAP * 24, description="0: not any more, as after a leak")
    ] = int(OVERLAP.total_seconds()) // _HOURS


class ReasonBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Why, for whoever asks later."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class ReplayBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Which events to send again: those from a moment until before another; where none is given, all of them."""

    occurred_from: Annotated[datetime, Meta(tz=True)] | None = msgspec.field(name="from", default=None)
    occurred_until: Annotated[datetime, Meta(tz=True)] | None = msgspec.field(name="until", default=None)
    states: Annotated[list[State], Meta(max_length=6, description="only deliveries that stand so")] = msgspec.field(
        default_factory=list
    )
    after: Annotated[str, Meta(pattern="^[0-9]{1,18}$", description="the `cursor` of the call before")] = "0"
    limit: Annotated[int, Meta(ge=1, le=REPLAYED_MAX)] = REPLAYED_MAX


class EndpointData(msgspec.Struct, rename="camel"):
    """An endpoint of yours beside the callback URLs of your services."""

    endpoint_id: str
    url: str
    description: str
    events: list[str]
    status: Annotated[str, Meta(description="ENABLED, DISABLED, REMOVED", examples=["ENABLED"])]
    disabled_reason: MaybeText
    disabled_at: MaybeText
    created_at: Moment


class UrlOffData(msgspec.Struct, rename="camel"):
    """A callback URL of one of your services that is not sent to; ask support to switch it on."""

    type: str
    url: str
    reason: str
    switched_off_at: Moment


class EndpointsData(msgspec.Struct, rename="camel"):
    """All of them."""

    endpoints: list[EndpointData]
    callback_urls_switched_off: list[UrlOffData]


class EndpointsAnswer(msgspec.Struct, kw_only=True):
    """Where your events go."""

    success: Literal[True] = True
    data: EndpointsData


class NewSecretData(msgspec.Struct, rename="camel"):
    """A secret that was just made."""

    secret_id: str
    secret: Annotated[str, Meta(description="`whsec_…`, as a Standard Webhooks library takes it; not shown again")]


class EndpointAddedData(msgspec.Struct, rename="camel"):
    """An endpoint with its first secret."""

    endpoint: EndpointData
    secret: NewSecretData


class EndpointAddedAnswer(msgspec.Struct, kw_only=True):
    """The endpoint was added."""

    success: Literal[True] = True
    data: EndpointAddedData


class EndpointAnswer(msgspec.Struct, kw_only=True):
    """The endpoint as it stands now."""

    success: Literal[True] = True
    data: EndpointData


class SecretData(msgspec.Struct, rename="camel"):
    """A secret that signs; its text is not shown."""

    secret_id: str
    created_at: Moment
    retires_at: MaybeText


class HappenedData(msgspec.Struct, rename="camel"):
    """Something that happened to an endpoint."""

    what: Annotated[str, Meta(description="ADDED, CHANGED, ROTATED, DISABLED, ENABLED, SWITCHED_OFF, TESTED, REMOVED")]
    url: str
    reason: MaybeText
    happened_at: Moment


class EndpointDetailData(msgspec.Struct, rename="camel"):
    """An endpoint, the secrets that sign, how many deliveries stand where, and what happened to it, newest first."""

    endpoint: EndpointData
    secrets: list[SecretData]
    deliveries: dict[str, int]
    happened: list[HappenedData]


class EndpointDetailAnswer(msgspec.Struct, kw_only=True):
    """The endpoint in full."""

    success: Literal[True] = True
    data: EndpointDetailData


class RotatedAnswer(msgspec.Struct, kw_only=True):
    """The new secret signs from now on."""

    success: Literal[True] = True
    data: NewSecretData


class EnabledData(msgspec.Struct, rename="camel"):
    """The endpoint is sent to again."""

    endpoint: EndpointData
    resumed: Annotated[int, Meta(description="deliveries that were on their way, and go on at once")]


class EnabledAnswer(msgspec.Struct, kw_only=True):
    """The endpoint was switched on."""

    success: Literal[True] = True
    data: EnabledData


class ReplayedData(msgspec.Struct, rename="camel"):
    """How much goes out again."""

    due: Annotated[int, Meta(description="events that are on their way to the endpoint now")]
    cursor: Annotated[str, Meta(description="give it as `after` to go on")]
    has_more: bool


class ReplayedAnswer(msgspec.Struct, kw_only=True):
    """The events go out again, each under its id."""

    success: Literal[True] = True
    data: ReplayedData


class EndpointEventData(msgspec.Struct, rename="camel"):
    """An event that the endpoint was told, or is to be."""

    event_id: str
    cursor: Cursor
    order_id: str
    transaction_id: str
    type: Literal["PAYIN", "PAYOUT"]
    status: str
    occurred_at: Moment
    state: State
    attempts: int
    last_error: MaybeText
    due_at: Annotated[str | None, Meta(description="when it is tried next, null unless it waits")]
    finished_at: MaybeText


class DeliveriesData(msgspec.Struct, rename="camel"):
    """A page of deliveries, newest first."""

    deliveries: list[EndpointEventData]
    cursor: Annotated[str, Meta(description="give it as `before` for what came earlier")]
    has_more: bool


class DeliveriesAnswer(msgspec.Struct, kw_only=True):
    """What the endpoint was told last."""

    success: Literal[True] = True
    data: DeliveriesData
