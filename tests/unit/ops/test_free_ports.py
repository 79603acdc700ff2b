"""Ports that are free, and the fault where there are too few."""

import socket

import pytest

from gateway.ops.free_ports import NEVER_HANDED_OUT, free_ports


def test_ports_are_different_and_can_be_listened_on() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert all(port in NEVER_HANDED_OUT for port in ports)
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_that_is_taken_is_not_given() -> None:
    (taken,) = free_ports(1)
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(OSError, match="1 free ports"):
        free_ports(1, among=range(taken, taken + 1))
    assert free_ports(1, among=range(taken, taken + 1)) == [taken]
