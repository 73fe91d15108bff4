"""The named errors of this slice: credentials or an adapter that cannot be used.

Decides their wording. Must never carry a credential's value. Outcomes of calls are values (`base`), not errors.
"""

from collections.abc import Mapping


class UnknownAdapter(LookupError):  # noqa: N818 -- names the fact, like the outcomes
    """No adapter of this name; the message lists those there are."""


class InvalidCredentials(ValueError):  # noqa: N818 -- names the fact, like the outcomes
    """Credentials that do not fit the adapter. `problems`: field name to what is wrong with it, without its value."""

    def __init__(self, adapter: str, problems: Mapping[str, str]) -> None:
        self.adapter = adapter
        self.problems = dict(problems)
        told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        super().__init__(f"credentials for {adapter} are not complete or not right: {told}")
