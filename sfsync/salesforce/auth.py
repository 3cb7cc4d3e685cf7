"""The ways to log in. Each has `login()`, `way` for messages, and `renewable`: may a dead session be replaced."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from sfsync.errors import AuthError, ConfigError
from sfsync.salesforce import soap_login
from sfsync.salesforce.tokens import Session, TokenAnswer, ask_token
from sfsync.salesforce.wire import origin

if TYPE_CHECKING:
    from sfsync.config import OrgConfig

log = logging.getLogger("sfsync.org")
PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
JWT_SECONDS = 180


class Auth(Protocol):
    @property
    def way(self) -> str: ...
    @property
    def renewable(self) -> bool: ...
    def login(self) -> Session:
        """A new session. Raises AuthError when refused, RetryableOrgError when the login host is out of order."""
        ...


@dataclass(frozen=True)
class ClientCredentials:
    """The flow for servers: the app's own user, no password, no consent. `login_url` must be the org's My Domain."""

    login_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    way: ClassVar[str] = "client_credentials"
    renewable: ClassVar[bool] = True

    def login(self) -> Session:
        form = {"grant_type": self.way, "client_id": self.client_id, "client_secret": self.client_secret}
        hints = {
            "invalid_grant": "In the app's settings switch on the client credentials flow and name its run-as user; "
            "org.instance_url must be the org's My Domain, not login.salesforce.com."
        }
        return ask_token(self.login_url, form, way=self.way, hints=hints).session


@dataclass(frozen=True)
class JwtBearer:
    """An assertion signed with the app's private key, for one user.

    audience: None means login.salesforce.com, or test.salesforce.com when the login host is a sandbox's.
    """

    login_url: str
    client_id: str = field(repr=False)
    username: str = ""
    private_key: str = field(default="", repr=False)
    """PEM, RSA."""
    audience: str | None = None
    way: ClassVar[str] = "jwt"
    renewable: ClassVar[bool] = True

    def login(self) -> Session:
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._assertion()}
        hints = {
            "invalid_grant": "Upload the certificate of this key to the app, admit the user under its policy "
            "(pre-authorised, through a profile or permission set), use login_url https://test.salesforce.com or the "
            f"sandbox's My Domain for a sandbox (audience is {self._audience()}), and check this machine's clock."
        }
        return ask_token(self.login_url, form, way=self.way, hints=hints).session

    def _audience(self) -> str:
        if self.audience:
            return self.audience
        host = origin(self.login_url, "login_url")
        return SANDBOX if host == SANDBOX or ".sandbox." in host else PRODUCTION

    def _assertion(self) -> str:
        import jwt

        claims = {
            "iss": self.client_id,
            "sub": self.username,
            "aud": self._audience(),
            "exp": int(time.time()) + JWT_SECONDS,
        }
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # The cause may quote the key.
            raise ConfigError(
                "org.private_key_file is not an RSA private key in PEM form without a passphrase. "
                "Make one with: openssl genrsa -out key.pem 2048"
            ) from None


@dataclass
class RefreshToken:
    """A token got once in a browser. When Salesforce rotates it, the new one is in `token_file` before it is needed.

    Give `token` or `token_file`; the file is read at each login, so that several commands can share it.
    """

    login_url: str
    client_id: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    way: ClassVar[str] = "refresh_token"
    renewable: ClassVar[bool] = True

    def login(self) -> Session:
        token = self._current()
        try:
            answer = self._ask(token)
        except AuthError as err:
            # Another command may have rotated it between our reading and our asking.
            if err.code != "invalid_grant" or (newer := self._current()) == token:
                raise
            token, answer = newer, self._ask(newer)
        if answer.refresh_token and answer.refresh_token != token:
            self._keep(answer.refresh_token)
        return answer.session

    def _ask(self, token: str) -> TokenAnswer:
        form = {"grant_type": self.way, "refresh_token": token, "client_id": self.client_id}
        if self.client_secret:
            form["client_secret"] = self.client_secret
        hints = {"invalid_grant": "The refresh token is expired, revoked or used up. Log in again and store the new."}
        return ask_token(self.login_url, form, way=self.way, hints=hints)

    def _current(self) -> str:
        if self.token_file is None:
            if not self.token:
                raise ConfigError("auth refresh_token needs org.refresh_token_file.")
            return self.token
        try:
            text = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(
                f"org.refresh_token_file {self.token_file} cannot be read ({type(err).__name__})."
            ) from err
        if not text:
            raise ConfigError(
                f"org.refresh_token_file {self.token_file} is empty. Log in again and store the token there."
            )
        return text

    def _keep(self, token: str) -> None:
        self.token = token
        if self.token_file is None:
            log.warning(
                "Salesforce rotated the refresh token. Set org.refresh_token_file, or the next run cannot log in."
            )
            return
        try:
            write_secret(self.token_file, token)
        except OSError as err:
            raise AuthError(
                f"Salesforce rotated the refresh token, and {self.token_file} cannot be written: {type(err).__name__}. "
                "The old token is dead: make the folder writable and log in again."
            ) from err


@dataclass(frozen=True)
class Password:
    """Username and password: by OAuth with the app's client id, else by SOAP login(). Both are off in new orgs."""

    login_url: str
    username: str
    password: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    way: ClassVar[str] = "password"
    renewable: ClassVar[bool] = True

    def login(self) -> Session:
        secret = self.password + self.security_token
        if self.client_id is None:
            return soap_login.login(self.login_url, self.username, secret)
        form = {
            "grant_type": self.way,
            "client_id": self.client_id,
            "username": self.username,
            "password": secret,
        }
        if self.client_secret:
            form["client_secret"] = self.client_secret
        hints = {
            "invalid_grant": "Username, password or security token is wrong, or the org blocks this flow (the default "
            "since Summer '23). Prefer auth client_credentials or jwt."
        }
        return ask_token(self.login_url, form, way=self.way, hints=hints).session


@dataclass(frozen=True)
class SessionId:
    """A session somebody else opened. It cannot be renewed."""

    instance_url: str
    session_id: str = field(repr=False)
    way: ClassVar[str] = "session"
    renewable: ClassVar[bool] = False

    def login(self) -> Session:
        return Session(self.session_id, origin(self.instance_url))


def make_auth(config: OrgConfig) -> Auth:
    """The way that config.yaml's `org:` names. Raises ConfigError when something it needs is missing."""
    url = config.login_url or config.instance_url
    origin(config.instance_url)
    origin(url, "login_url")
    match config.auth:
        case "client_credentials":
            return ClientCredentials(url, _need(config, "client_id"), _need(config, "client_secret"))
        case "jwt":
            return JwtBearer(url, _need(config, "client_id"), _need(config, "username"), _private_key(config))
        case "refresh_token":
            if config.refresh_token_file is None:
                _need(config, "refresh_token")
            client_id = _need(config, "client_id")
            return RefreshToken(url, client_id, config.client_secret, config.refresh_token, config.refresh_token_file)
        case "password":
            username, password = _need(config, "username"), _need(config, "password")
            token = config.security_token or ""
            return Password(url, username, password, token, config.client_id, config.client_secret)
        case "session":
            return SessionId(config.instance_url, _need(config, "session_id"))
        case other:
            raise ConfigError(
                f'org.auth "{other}" is not offered. Use client_credentials, jwt, refresh_token, password or session.'
            )


def write_secret(path: Path, text: str) -> None:
    """Replace the file's content in one step, readable by its owner only. After a crash it is the old or the new."""
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _need(config: OrgConfig, key: str) -> str:
    value = getattr(config, key)
    if not value:
        raise ConfigError(f"org.auth {config.auth} needs org.{key}.")
    return str(value)


def _private_key(config: OrgConfig) -> str:
    _need(config, "private_key_file")
    path = Path(str(config.private_key_file))
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"org.private_key_file {path} cannot be read ({type(err).__name__}).") from err
