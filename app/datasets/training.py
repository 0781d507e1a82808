"""Whether anybody trains on rows of a format."""

from app.providers.profiles import profiles


def is_trained_on(format_: str | None) -> bool:
    """Whether a provider that Luthier knows has a method that takes such rows."""
    return any(one.rows.methods_for(format_ or "") for one in profiles().values())
