"""Print the statements that make a released Keystone's tables, from its own models.

Run by the interpreter of that release's environment: ``python print_keystone_tables.py mysql|postgresql``.
"""

import sys

import sqlalchemy
from keystone.application_credential.backends import sql as _credentials  # noqa: F401
from keystone.common import sql
from keystone.federation.backends import sql as _federation  # noqa: F401
from keystone.identity.backends import sql_model as _identity  # noqa: F401
from sqlalchemy.schema import CreateTable

WANTED = (
    *("user", "local_user", "nonlocal_user", "federated_user", "password", "user_option"),
    *("application_credential", "application_credential_role"),
    *("access_rule", "application_credential_access_rule", "identity_provider", "federation_protocol"),
)
dialect = sqlalchemy.create_mock_engine(f"{sys.argv[1]}://", lambda *_: None).dialect
for table in sql.ModelBase.metadata.sorted_tables:
    if table.name in WANTED:
        print(str(CreateTable(table).compile(dialect=dialect)).strip() + ";\n")
