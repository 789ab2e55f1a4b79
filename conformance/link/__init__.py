"""An impaired link between here and an endpoint: delay, jitter, loss, bandwidth, visibility.

Long lines to other sites and to satellites, for profiles and trials alike. ``model`` is the pure
link, ``proxy`` the process that carries connections over it, ``endpoint`` starts and ends it.
"""
