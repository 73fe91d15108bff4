"""The named refusals of this slice's use cases: what is wrong, with which thing, and what to do about it.

They are for operators (command line, panel). Must never hold a secret, and never be answered to a merchant's request.
"""

from wisipay.core.errors import BadRequest, Conflict, NotFound


class UnknownMerchant(NotFound):
    """No such merchant."""

    def __init__(self, merchant_id: str) -> None:
        super().__init__(f"there is no merchant {merchant_id!r}", details={"merchantId": merchant_id})


class UnknownProvider(NotFound):
    """No such provider."""

    def __init__(self, provider_id: str) -> None:
        super().__init__(f"there is no provider {provider_id!r}", details={"providerId": provider_id})


class UnknownLegalEntity(NotFound):
    """No such legal entity."""

    def __init__(self, legal_entity_id: str) -> None:
        super().__init__(f"there is no legal entity {legal_entity_id!r}", details={"legalEntityId": legal_entity_id})


class UnknownChannel(NotFound):
    """No such channel (PLE)."""

    def __init__(self, channel_id: str) -> None:
        super().__init__(f"there is no channel {channel_id!r}", details={"channelId": channel_id})


class UnknownRule(NotFound):
    """No such routing rule."""

    def __init__(self, rule_id: int) -> None:
        super().__init__(f"there is no routing rule {rule_id}", details={"ruleId": str(rule_id)})


class UnknownWindow(NotFound):
    """No such maintenance window."""

    def __init__(self, window_id: int) -> None:
        super().__init__(f"there is no maintenance window {window_id}", details={"windowId": str(window_id)})


class UnknownTier(NotFound):
    """No fee tier starts at that amount."""


class AlreadyExists(Conflict):
    """The id, the e-mail address or the name is taken."""


class TiersOverlap(Conflict):
    """A new tier covers amounts that another one covers already."""


class NotOnboarded(Conflict):
    """The merchant has to be onboarded first."""


class InvalidValue(BadRequest):
    """A value is not acceptable; `details` names the field."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", details={field: problem})
