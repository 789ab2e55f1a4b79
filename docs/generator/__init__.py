"""Writes docs/reference and docs/zh/reference from the code and the edition: ``nox -s docs``.

``tests/docs/test_reference.py`` holds the pages to what this makes.
"""
