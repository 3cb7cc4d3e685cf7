"""Who is calling: users, credentials, sessions."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from sfsync.practice.errors import ApiError

if TYPE_CHECKING:
    from sfsync.practice.org import PracticeOrg
    from sfsync.practice.settings import Settings

TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


@dataclass(frozen=True)
class User:
    """A user who may log in."""

    id: str
    username: str
    name: str
    email: str
    timezone: str = "UTC"


@dataclass(frozen=True)
class Session:
    token: str = field(repr=False)
    user_id: str
    used: datetime
    refresh_token: str | None = field(default=None, repr=False)
    """The one it was got with."""


@dataclass(frozen=True)
class Credentials:
    """What a client needs to log in. They follow from the org's Id, so an org kept in a file keeps its own."""

    username: str
    client_id: str
    client_secret: str = field(repr=False)
    password: str = field(repr=False)
    security_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @classmethod
    def of(cls, organization_id: str, username: str) -> Credentials:
        def derived(what: str, length: int) -> str:
            return hashlib.shake_256(f"{what}:{organization_id}".encode()).hexdigest(length)

        return cls(
            username=username,
            client_id=f"3MVG9{derived('client', 40)}",
            client_secret=derived("secret", 32).upper(),
            password=derived("password", 8),
            security_token=derived("security token", 12),
            refresh_token=f"5Aep861{derived('refresh', 40)}",
        )


class JwtKey:
    """The connected app's key pair, made when first asked for."""

    @cached_property
    def _key(self) -> object:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def made(self) -> bool:
        return "_key" in self.__dict__

    @cached_property
    def private_pem(self) -> str:
        from cryptography.hazmat.primitives import serialization as s
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        assert isinstance(self._key, RSAPrivateKey)
        return self._key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()

    @cached_property
    def public_pem(self) -> str:
        from cryptography.hazmat.primitives import serialization as s
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        assert isinstance(self._key, RSAPrivateKey)
        return self._key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()


class Sessions:
    """The access and refresh tokens that are alive. Threads may share it."""

    def __init__(self, org: PracticeOrg, settings: Settings, first_refresh_token: str):
        self._org = org
        self._settings = settings
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._refresh: dict[str, str] = {first_refresh_token: org.user_id}

    def open(self, user_id: str, refresh_token: str | None = None) -> Session:
        """A new session of this user."""
        tail = "".join(secrets.choice(TOKEN_LETTERS) for _ in range(90))
        token = f"{self._org.organization_id[:15]}!AQEAQ{tail}"
        session = Session(token, user_id, self._org.clock.now(), refresh_token)
        with self._lock:
            self._sessions[token] = session
        return session

    def use(self, token: str) -> Session | None:
        """The session behind a token, its idle time starting again; None when it is dead or was never alive."""
        now = self._org.clock.now()
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return None
            if now - session.used > timedelta(minutes=self._settings.session_minutes):
                del self._sessions[token]
                return None
            session = self._sessions[token] = replace(session, used=max(now, session.used))
            return session

    def expire(self, token: str | None = None) -> int:
        """End one session, or every one. Refresh tokens stay. Returns how many ended."""
        with self._lock:
            ended = list(self._sessions) if token is None else [t for t in [token] if t in self._sessions]
            for one in ended:
                del self._sessions[one]
            return len(ended)

    def refresh(self, refresh_token: str) -> tuple[Session, str | None] | None:
        """A session for a refresh token, and the new refresh token if they rotate; None when it is dead."""
        with self._lock:
            user_id = self._refresh.get(refresh_token)
            if user_id is None:
                return None
            rotated = None
            if self._settings.rotate_refresh_tokens:
                del self._refresh[refresh_token]
                rotated = f"5Aep861{secrets.token_hex(40)}"
                self._refresh[rotated] = user_id
        return self.open(user_id, rotated or refresh_token), rotated

    def revoke(self, token: str) -> bool:
        """Kill an access token, or a refresh token with all its sessions. False when it was not alive."""
        with self._lock:
            if token in self._sessions:
                del self._sessions[token]
                return True
            if self._refresh.pop(token, None) is None:
                return False
            self._sessions = {t: s for t, s in self._sessions.items() if s.refresh_token != token}
            return True

    def __len__(self) -> int:
        with self._lock:
            return len(self._sessions)


USER_COLUMNS = ("Id", "Username", "Name", "Email", "TimeZoneSidKey")


def find_user(org: PracticeOrg, *, username: str | None = None, user_id: str | None = None) -> User | None:
    """An active user, by name (in any case) or Id."""
    condition = 'lower("Username") = lower(?)' if username is not None else '"Id" = ?'
    columns = ", ".join(f'"{c}"' for c in USER_COLUMNS)
    with org.cursor() as cursor:
        row = cursor.execute(
            f'SELECT {columns} FROM "User" WHERE {condition} AND "IsActive"', [username or user_id]
        ).fetchone()
    if row is None:
        return None
    return User(row[0], row[1] or "", row[2] or "", row[3] or "", row[4] or "UTC")


def token_of(header: str) -> str:
    """The token of `Authorization: Bearer ...`. Raises ApiError 401."""
    if not header:
        raise invalid_session()
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in ("bearer", "oauth") or not token.strip():
        raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
    return token.strip()


def invalid_session() -> ApiError:
    return ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
