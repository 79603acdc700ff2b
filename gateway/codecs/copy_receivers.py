"""The copy receivers of a document that may have been refused, so that each can answer."""

from lxml import etree

from gateway.codecs.parties import read_organisation
from gateway.codecs.reading import Reading, children_of
from gateway.codecs.xml import local_name, namespace_of
from gateway.domain.message import Party


def copy_receivers(root: etree._Element) -> tuple[Party, ...]:
    """The organisations in OtherReceiver, in document order; never raises.

    As tolerant as :func:`gateway.codecs.msghead.peek_message`, and as unchecked:
    whether a party is ours, only the address book knows. Persons are left out:
    they have no HER-id that a message could be sent to.
    """
    if local_name(root) != "MsgHead":
        return ()
    namespace, reading = namespace_of(root), Reading()
    found = []
    for info in children_of(root, namespace).get("MsgInfo", ())[:1]:
        for element in children_of(info, namespace).get("OtherReceiver", ()):
            organisation = reading.only(children_of(element, namespace), "Organisation")
            if organisation is not None:
                read = read_organisation(
                    organisation, reading, namespace=namespace, inner=namespace
                )
                found.append(Party(organisation=read))
    return tuple(found)
