"""Tokens as an application's own backend would make them."""

import time

import jwt

from server import SECRET


def token(user: str, tenant: str, *, secret: str = SECRET, algorithm: str = "HS256", expires: float = 3600, **claims) -> str:
    """A token of one user; a claim of None is left out."""
    everything = {"sub": user, "tenantId": tenant, "exp": int(time.time() + expires)} | claims
    return jwt.encode({name: value for name, value in everything.items() if value is not None}, secret, algorithm)
