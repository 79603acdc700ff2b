"""Hosts and AMQP addresses: what can mean one thing only passes, and no fault quotes a password."""

import re

import pytest

from gateway.addresses import checked_amqp_url, checked_host


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:5672/",
        "amqps://user:s3cr%2Fet%25@broker.example:5671/%2F",
        "amqp://broker.example",
        "amqp://user@[::1]:5672/test",
        "amqps://user:secret@broker.example/?cafile=/etc/ca.pem",
    ],
)
def test_address_of_a_broker_passes_as_it_is(url: str) -> None:
    assert checked_amqp_url(url) == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://guest:s3cret@host/", "must begin with amqp"),
        ("amqp://guest:s3cr/et@127.0.0.1:5672/", "%2F for /"),
        ("amqp://guest:12/s3cret@127.0.0.1:5672/", "%2F for /"),
        ("amqp://guest:s3cret#x@127.0.0.1:5672/", "%23 for #"),
        ("amqp://guest:12?s3cret@127.0.0.1:5672/", "special characters"),
        ("amqp://guest:s3cret%x@127.0.0.1:5672/", "%25 for %"),
        ("amqp://guest:s3c@ret@127.0.0.1:5672/", "%40 for @"),
        ("amqp://guest:s3c[ret@127.0.0.1:5672/", "special characters"),
        ("amqp://guest:s3cret@127.0.0.1:abc/", "cannot be read"),
        ("amqp://guest:s3cret@127.0.0.1:99999/", "cannot be read"),
        ("amqp://guest:s3cret@127.0.0.1:0/", "port"),
        ("amqp://", "names no host"),
        ("amqp://guest:s3cret@/", "names no host"),
        ("amqp://guest:s3cret@a..b/", "host"),
        ("amqps://guest:s3cret@host/?no_verify_ssl=1", "cafile"),
    ],
)
def test_other_address_is_refused_without_being_quoted(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refusal:
        checked_amqp_url(url)

    assert "s3c" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "mail.helse.no", "localhost", "blåbær.no"])
def test_host_passes_as_it_is(host: str) -> None:
    assert checked_host(host) == host


@pytest.mark.parametrize("host", ["", "a..b", "a\0b", "a b", "a/b", f"{'a' * 70}.no"])
def test_what_no_name_resolution_takes_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        checked_host(host)
