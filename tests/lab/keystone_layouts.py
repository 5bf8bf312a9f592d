"""How old releases of Keystone laid out their tables, in SQL that MySQL and PostgreSQL understand.

From the migrations in Keystone's tree: Liberty is ``067_kilo.py`` with what followed until 087; Queens is Mitaka's
``local_user`` and ``password`` (091 to 105), Newton's and Ocata's columns, and the ``expand_repo`` of Pike and Queens
(up to 044, application credentials). Only the tables and columns that matter here; names and types as there.
"""

import functools
import subprocess
from pathlib import Path

from pumphouse.lab.environments import ensure_environment
from pumphouse.lab.releases import find_release

PRINTER = Path(__file__).with_name("print_keystone_tables.py")
NUMBER = {"mysql": "INTEGER AUTO_INCREMENT PRIMARY KEY", "postgresql": "SERIAL PRIMARY KEY"}
USER = {"mysql": "`user`", "postgresql": '"user"'}
MOMENT = {"mysql": "DATETIME", "postgresql": "TIMESTAMP"}

LIBERTY = """
CREATE TABLE {user} (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    extra TEXT,
    password VARCHAR(128),
    enabled BOOLEAN,
    domain_id VARCHAR(64) NOT NULL,
    default_project_id VARCHAR(64),
    UNIQUE (domain_id, name)
);
"""
QUEENS = """
CREATE TABLE {user} (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    extra TEXT,
    enabled BOOLEAN,
    default_project_id VARCHAR(64),
    created_at {moment} NULL,
    last_active_at DATE,
    domain_id VARCHAR(64) NOT NULL,
    UNIQUE (id, domain_id)
);
CREATE TABLE local_user (
    id {number},
    domain_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(64) NOT NULL UNIQUE,
    name VARCHAR(255) NOT NULL,
    failed_auth_count INTEGER,
    failed_auth_at {moment} NULL,
    UNIQUE (domain_id, name),
    FOREIGN KEY (user_id, domain_id) REFERENCES {user} (id, domain_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE nonlocal_user (
    domain_id VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    user_id VARCHAR(64) NOT NULL UNIQUE,
    PRIMARY KEY (domain_id, name)
);
CREATE TABLE federated_user (
    id {number},
    user_id VARCHAR(64) NOT NULL,
    idp_id VARCHAR(64) NOT NULL,
    protocol_id VARCHAR(64) NOT NULL,
    unique_id VARCHAR(255) NOT NULL,
    display_name VARCHAR(255)
);
CREATE TABLE password (
    id {number},
    local_user_id INTEGER NOT NULL REFERENCES local_user (id) ON DELETE CASCADE,
    password VARCHAR(128),
    expires_at {moment} NULL,
    self_service BOOLEAN NOT NULL DEFAULT FALSE,
    password_hash VARCHAR(255),
    created_at_int BIGINT NOT NULL DEFAULT 0,
    expires_at_int BIGINT,
    created_at {moment} NOT NULL
);
CREATE TABLE application_credential (
    internal_id {number},
    id VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    secret_hash VARCHAR(255) NOT NULL,
    description TEXT,
    user_id VARCHAR(64) NOT NULL,
    project_id VARCHAR(64),
    expires_at BIGINT,
    unrestricted BOOLEAN,
    UNIQUE (name, user_id)
);
CREATE TABLE application_credential_role (
    application_credential_id INTEGER NOT NULL,
    role_id VARCHAR(64) NOT NULL,
    PRIMARY KEY (application_credential_id, role_id)
);
"""


@functools.cache
def layout(release: str, kind: str) -> str:
    """The statements that make the tables of a release; of one that the lab has, from its own models."""
    if release in ("liberty", "queens"):
        text = {"liberty": LIBERTY, "queens": QUEENS}[release]
        return text.format(user=USER[kind], number=NUMBER[kind], moment=MOMENT[kind])
    python = ensure_environment(find_release(release), print) / "bin" / "python"
    command = [str(python), str(PRINTER), kind]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
