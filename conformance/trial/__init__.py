"""One agent on one instance: doors, limits, transcript, outcome, and the sealed end of it."""
