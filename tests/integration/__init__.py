"""Real agents at the real gateway, by ``python -m nox -s agents``; pytest runs none of them."""
