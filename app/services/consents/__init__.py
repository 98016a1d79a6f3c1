"""Consents of speakers."""

from app.services.consents.binding import Binding
from app.services.consents.ending import ConsentEndings
from app.services.consents.service import ConsentService
from app.services.consents.tools import ConsentOrder, ConsentTools

__all__ = ["Binding", "ConsentEndings", "ConsentOrder", "ConsentService", "ConsentTools"]
