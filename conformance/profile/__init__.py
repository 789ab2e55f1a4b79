"""Hardware throughput profile: what the endpoint under an agent delivers, and what it costs."""
