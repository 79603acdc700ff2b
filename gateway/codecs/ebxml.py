"""ebXML envelopes of the national profile: the names other modules use."""

from gateway.codecs.ebxml_header import HeaderPeek, is_soap_fault, peek_header
from gateway.codecs.ebxml_read import parse_envelope
from gateway.codecs.ebxml_references import content_id_of, references_of
from gateway.codecs.ebxml_tree import format_instant, parse_instant
from gateway.codecs.ebxml_write import (
    monitoring_description,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.signing_profile import cid_uri

__all__ = [
    "HeaderPeek",
    "cid_uri",
    "content_id_of",
    "format_instant",
    "is_soap_fault",
    "monitoring_description",
    "parse_envelope",
    "parse_instant",
    "peek_header",
    "references_of",
    "render_acknowledgment_envelope",
    "render_error_envelope",
    "render_payload_envelope",
]
