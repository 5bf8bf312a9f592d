"""The ways in which Keystone keeps passwords, and which release can check which."""

SHA512_CRYPT = "sha512_crypt"
BCRYPT_SHA256 = "bcrypt_sha256"
COMMON = frozenset(("bcrypt", "scrypt", "pbkdf2_sha512"))

# What a hash begins with: the table of `keystone.common.password_hashing`.
PREFIXES = {
    "$2$": "bcrypt",
    "$2a$": "bcrypt",
    "$2b$": "bcrypt",
    "$2x$": "bcrypt",
    "$2y$": "bcrypt",
    "$bcrypt-sha256$": BCRYPT_SHA256,
    "$scrypt$": "scrypt",
    "$pbkdf2-sha512$": "pbkdf2_sha512",
    "$6$": SHA512_CRYPT,
}
# Highest microversions of Nova that tell Keystone's release, which itself tells none.
RELEASE_2023_1, RELEASE_2025_1 = (2, 95), (2, 100)


def format_of(hashed: str | None) -> str:
    """The name of a hash's format: Keystone's own, or how an unknown one begins; empty without a hash."""
    if not hashed:
        return ""
    prefix = hashed[: hashed.find("$", 1) + 1]
    return PREFIXES.get(prefix, f"unknown ({prefix})" if prefix.startswith("$") else "unknown")


def accepted(compute: tuple[int, ...]) -> frozenset[str]:
    """The formats that the Keystone of a release can check.

    Keystone 27 (2025.1) dropped passlib and with it sha512_crypt, the only format before Pike.

    :param compute: the highest microversion of the same cloud's Nova; empty when unknown: the strictest answer.
    """
    formats = set(COMMON)
    if not compute or compute >= RELEASE_2023_1:
        formats.add(BCRYPT_SHA256)
    if compute and compute < RELEASE_2025_1:
        formats.add(SHA512_CRYPT)
    return frozenset(formats)
