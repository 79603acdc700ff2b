"""Copy receivers are found in whatever could not be read as a whole."""

import pytest
from lxml import etree

from gateway.codecs.copy_receivers import copy_receivers

_MSGHEAD = "http://www.kith.no/xmlstds/msghead/2006-05-24"


def others(inner: str, *, root: str = "MsgHead", info: str = "MsgInfo") -> list[str | None]:
    text = f'<{root} xmlns="{_MSGHEAD}"><{info}>{inner}</{info}></{root}>'
    return [party.her for party in copy_receivers(etree.fromstring(text))]


def a_copy(her: str) -> str:
    ident = f'<Ident><Id>{her}</Id><TypeId V="HER"/></Ident>'
    part = f"<Organisation><OrganisationName>B</OrganisationName>{ident}</Organisation>"
    return (
        '<OtherReceiver><RoleReceiver V="COP"/><Organisation>'
        f"<OrganisationName>A</OrganisationName>{part}</Organisation></OtherReceiver>"
    )


def test_they_come_in_document_order() -> None:
    assert others(a_copy("910005") + "<Receiver/>" + a_copy("910004")) == ["910005", "910004"]


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<OtherReceiver/>",
        '<OtherReceiver><RoleReceiver V="COP"/><Patient/></OtherReceiver>',
        "<OtherReceiver><HealthcareProfessional/></OtherReceiver>",
    ],
)
def test_who_is_no_organisation_is_left_out(inner: str) -> None:
    assert others(inner) == []


def test_an_organisation_without_ids_is_nobody() -> None:
    assert others("<OtherReceiver><Organisation/></OtherReceiver>") == [None]


@pytest.mark.parametrize("names", [{"root": "AppRec"}, {"info": "Other"}])
def test_what_is_no_msghead_names_nobody(names: dict[str, str]) -> None:
    assert others(a_copy("910005"), **names) == []
