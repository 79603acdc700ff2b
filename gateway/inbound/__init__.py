"""From the transport to the EPJ: take in, receive, deliver, refuse."""
