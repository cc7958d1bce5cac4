"""The configuration of a server, set when it starts."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from secrets import token_urlsafe

from mien.errors import UserError
from mien.serve.limits import Limits

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")
"""A bearer token (RFC 6750) that is long enough not to be guessed."""


@dataclass(frozen=True)
class ServerConfig:
    """The configuration of a server.

    Attributes:
        runs: the folder whose studies are shown; it need not be there yet.
        data: faces to show besides those of the studies, as `mien.faces.open_faces` takes them.
        model: a bundled model's name, or a model file; None for `best`, or for none where none is bundled.
        token: that requests must carry, "" for none.
        host: the address to listen at.
        port: 0 for any that is free.
        limits: beyond which requests are refused.

    Raises:
        UserError: the address can be reached from elsewhere and there is no token, or the token is too weak.
    """

    runs: Path = Path("out")
    data: tuple[str, ...] = ()
    model: str | None = None
    token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.token and not TOKEN.fullmatch(self.token):
            raise UserError(
                "--token: must be at least 16 letters, digits and . _ ~ + / -, so that nobody can guess it; "
                f"such as {token_urlsafe(18)}"
            )
        if not self.token and not self.local:
            raise UserError(
                f"--host {self.host}: others on the network could use this server; give it a token that they need, "
                f"such as: --token {token_urlsafe(18)}"
            )

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False
