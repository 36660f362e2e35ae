"""What every fanlight process shares: protocol, sockets, settings, errors, the service loop."""
