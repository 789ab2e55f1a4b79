"""Power and energy of the devices behind an endpoint, each by its vendor's own means."""
