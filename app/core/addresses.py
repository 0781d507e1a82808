"""Which addresses Luthier may call: public ones, and private ones an administrator named."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from app.settings import settings

LONGEST_URL = 2_000
PLAIN_HTTPS_PORT = 443

# Ranges that lead somewhere private although `is_global` says otherwise on some Python, or that
# carry another address inside: NAT64, 6to4, Teredo, IPv4-compatible, -mapped and -translated, 6to4
# relays, site-local; and what newer Pythons know as nobody's: documentation, segment routing.
REFUSED_NETWORKS = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)

NAME = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
OTHER_WAYS_TO_WRITE_IPV4 = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*", re.ASCII)
PATH = re.compile(r"[A-Za-z0-9._~/:@!$&'()*+,;=-]*", re.ASCII)
QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*", re.ASCII)
PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home", ".home.arpa")


class UnsafeUrl(ValueError):
    """An address we do not call. The message is a sentence for the form that asked for it."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether this address is on the open internet, in its own right and not wrapped."""
    if not address.is_global or address.is_multicast:
        return False
    return not any(
        address in network for network in REFUSED_NETWORKS if network.version == address.version
    )


def private_hosts() -> frozenset[str]:
    """The `host:port` pairs that may be private: LUTHIER_ALLOW_HOSTS and our trainer's."""
    named = {entry.lower() for entry in settings().allow_hosts}
    if settings().trainer_url is not None:
        named.add(authority(urlsplit(settings().trainer_url or "")))
    return frozenset(named)


def authority(parts: SplitResult) -> str:
    """The `host:port` of a URL in the form the allow list uses, brackets around IPv6."""
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or (80 if parts.scheme == "http" else PLAIN_HTTPS_PORT)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_url(url: str, *, allow: Collection[str] | None = None) -> None:
    """Refuse a base URL that is malformed, private, or not https, saying what to write instead.

    Looks at the text alone. Where a name leads is checked when it is called (`app.core.http`).
    Raises UnsafeUrl.
    """
    parts = _read(url)
    host = (parts.hostname or "").rstrip(".")
    where = authority(parts)
    if where in (private_hosts() if allow is None else allow):
        return
    if where == authority(urlsplit(settings().base_url)):
        raise UnsafeUrl("This is Luthier's own address; enter the provider's.")
    _refuse_private_host(host, where)
    if parts.scheme == "http":
        raise UnsafeUrl(
            "The address must begin with https://, so that nobody reads the key on its way."
        )
    if parts.port not in {None, PLAIN_HTTPS_PORT}:
        raise UnsafeUrl(f"Only port 443 is open. {how_to_allow(where)}")


def check_receiver(url: str) -> None:
    """The same for the address of a receiver of webhooks, which may have a query behind its path.
    Raises UnsafeUrl.
    """
    address, _, query = url.partition("?")
    if len(url) > LONGEST_URL:
        raise UnsafeUrl(f"The address is too long (at most {LONGEST_URL:,} characters).")
    if not QUERY.fullmatch(query):
        raise UnsafeUrl("What follows ? is not well formed.")
    check_url(address)


def _read(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise UnsafeUrl(f"The address is too long (at most {LONGEST_URL:,} characters).")
    if not url.isascii():
        raise UnsafeUrl("The address has letters outside a–z, which can imitate others.")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise UnsafeUrl("The address has a space, a line break or a backslash in it.")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in {"http", "https"}:
        raise UnsafeUrl("The address must begin with https://.")
    if "?" in rest or "#" in rest:
        raise UnsafeUrl("Leave out everything from ? or # on.")
    if "@" in rest.partition("/")[0]:
        raise UnsafeUrl(
            "Leave user name and password out of the address; the key has its own field."
        )
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        raise UnsafeUrl("The address is not well formed.") from None
    if not parts.hostname or not has_port or not PATH.fullmatch(parts.path):
        raise UnsafeUrl("The address is not well formed.")
    return parts


def _refuse_private_host(host: str, where: str) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if OTHER_WAYS_TO_WRITE_IPV4.fullmatch(host):
            raise UnsafeUrl("Write the IP address as four numbers with dots.") from None
    else:
        if not is_public(address):
            raise UnsafeUrl(f"{host} is a private address. {how_to_allow(where)}")
        return
    if not NAME.fullmatch(host):
        raise UnsafeUrl("The address is not well formed.")
    if "." not in host or host.endswith(PRIVATE_SUFFIXES):
        raise UnsafeUrl(f"{host} is a name of a private network. {how_to_allow(where)}")


def how_to_allow(where: str) -> str:
    """The sentence that says how a private `host:port` becomes callable."""
    return f"Whoever runs this Luthier can allow it with LUTHIER_ALLOW_HOSTS={where}."
