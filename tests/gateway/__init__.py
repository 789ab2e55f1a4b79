"""Tests of the gateway: what an agent can and cannot do at its two doors."""
