"""Tables of the ledger; changed only together with a schema migration."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()
Moment = Float(53)  # seconds since the epoch; MySQL's plain FLOAT has room for minutes only

about = Table(
    "about",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

migration = Table(
    "migration",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("selection", JSON, nullable=False),
    Column("state", String(32), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

resource = Table(
    "resource",
    metadata,
    Column("key", String(512), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("destination_id", String(512)),
    Column("state", String(32), nullable=False),
    Column("how", String(32), nullable=False),
    Column("data", JSON, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("migration", String(16), primary_key=True),
    Column("key", String(512), primary_key=True),
)

temporary = Table(
    "temporary",
    metadata,
    Column("cloud", String(16), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("owner", String(512), nullable=False),
    Column("identifier", String(512)),
    Column("gone", Integer, nullable=False, default=0),
)

host = Table(
    "host",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("operation", String(32), nullable=False),
    Column("stage", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("data", JSON, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("migration", String(16), nullable=False),
    Column("type", String(64), nullable=False),
    Column("key", String(512), nullable=False),
    Column("data", JSON, nullable=False),
    Index("event_by_migration", "migration", "seq"),
)

holder = Table(
    "holder",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("place", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("began", String(64), nullable=False),
    Column("doing", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("beat", Moment, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(512), primary_key=True),
    Column("holder", String(32), nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("command", String(32), nullable=False),
    Column("selection", JSON, nullable=False),
    Column("options", JSON, nullable=False),
    Column("caller", String(255), nullable=False),
    Column("key", String(200)),
    Column("state", String(16), nullable=False),
    Column("wish", String(16), nullable=False),
    Column("conductor", String(255), nullable=False),
    Column("ended", JSON, nullable=False),
    Column("result", JSON),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("caller", "key", name="job_by_key"),
    Index("job_by_state", "state", "created_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("who", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("origin", String(64), nullable=False),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("status", Integer, nullable=False),
)
