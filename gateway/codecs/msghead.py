"""MsgHead 1.2 + Dialogmelding <-> DialogMessage: what the processes import.

The tree comes from ``parse_untrusted`` and has passed the schema check. Reading
is in ``msghead_read``, ``msghead_peek`` and ``dialog``, writing in ``msghead_write``, what happens
to attachments and markup in ``attachments`` and ``plaintext``.
"""

from lxml import etree

from gateway.codecs.attachments import copy_of, remove_attachments
from gateway.codecs.canonical import take_out
from gateway.codecs.dialog import text_fields_of
from gateway.codecs.msghead_peek import MessagePeek, peek_message
from gateway.codecs.msghead_read import dialog_in, parse_msghead
from gateway.codecs.msghead_write import render_answer, render_request
from gateway.codecs.plaintext import replace_by_text
from gateway.codecs.reading import Reading
from gateway.codecs.xml import DS, MSGHEAD

__all__ = [
    "MessagePeek",
    "as_plain_text",
    "parse_msghead",
    "peek_message",
    "render_answer",
    "render_request",
    "without_attachments",
    "without_signature",
]


def without_attachments(root: etree._Element) -> bytes:
    """Return the same document with every attachment carrier removed.

    Further Documents go. In the first one FileReference, Compression, whatever
    stands beside the Dialogmelding, and objects embedded in the text go. A first
    Document that is itself an attachment (MsgType A or REF, or a carrier and no
    Dialogmelding) goes as a whole: then no Document and no text is left, which
    ``text_left`` of the message says before, and the caller rejects.

    All else stays as it was: prefixes, comments, blanks; only the encoding is
    UTF-8 afterwards, and says so. A ds:Signature stays too and no longer fits
    when anything was removed: the caller rejects the message, or takes the
    signature out first.
    """
    work = copy_of(root)
    content = _content_of(work)
    remove_attachments(work, content, [] if content is None else list(text_fields_of(content)))
    return _serialised(work)


def without_signature(root: etree._Element) -> etree._Element:
    """Return a copy of the tree without the ds:Signature of the document; all else as it was."""
    work = copy_of(root)
    for signature in list(work.iterchildren(f"{{{DS}}}Signature")):
        take_out(signature)
    return work


def as_plain_text(root: etree._Element) -> bytes:
    """Return the same document with the markup of its texts turned into plain text (R-35).

    Texts without elements stay exactly as they are. Use it for
    ``Markup.FLATTENED``; for ``Markup.LOSSY`` the result says in the text what is
    missing, which an author must not be made to say. Attachments embedded in the
    text are taken out first by ``without_attachments``. As there, the encoding is
    UTF-8 and a ds:Signature breaks.
    """
    work = copy_of(root)
    content = _content_of(work)
    if content is not None:
        for field in list(text_fields_of(content)):
            replace_by_text(field)
    return _serialised(work)


def _content_of(root: etree._Element) -> etree._Element | None:
    first = next(root.iterchildren(f"{{{MSGHEAD}}}Document"), None)
    return None if first is None else dialog_in(first, Reading())


def _serialised(root: etree._Element) -> bytes:
    tree = root.getroottree()
    return etree.tostring(
        tree, encoding="UTF-8", xml_declaration=True, standalone=tree.docinfo.standalone
    )
