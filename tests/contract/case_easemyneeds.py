"""EaseMyNeeds' wire format."""

from __future__ import annotations

from support.case_white_label import WhiteLabelCase


class Case(WhiteLabelCase):
    name = "easemyneeds"
