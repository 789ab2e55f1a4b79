"""The bundle: layout, digests, sealing, verification and offline re-grade."""
