"""From the EPJ to the transport: accept, dispatch, sweep."""
