"""The embedded endpoint: a small real model on loopback, so that the first run needs nothing."""
