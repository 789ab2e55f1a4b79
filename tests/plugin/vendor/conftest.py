"""The vendor's own options and fixtures, some called as the plugin's are."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--base-url", default="http://shop.example", help="Of the vendor's shop.")


@pytest.fixture
def shop(request):
    return request.config.getoption("--base-url")
