"""The IdentityTables port: Keystone's tables by SQL, the only way to carry password hashes."""
