"""The demonstration: two gateways, a third party, a post office, on this machine."""
