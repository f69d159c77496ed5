"""What the system tests stand on: a gateway to start, an upstream that witnesses, clients that send exact bytes."""
