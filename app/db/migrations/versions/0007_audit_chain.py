"""The audit trail becomes a chain; names in it can be erased and the oldest events removed."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

from app.models.audit_chain import (
    ERASED,
    FIRST,
    MARK_CHARS,
    SALT_CHARS,
    SEALS,
    Line,
    Link,
    moment,
    sealed,
)

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BATCH: Final = 1000
_REFUSAL: Final = "audit events are never changed or deleted"
_OLD: Final = ("id", "owner", "actor", "action", "subject_id", "outcome", "request_id")
_NEW: Final = (*SEALS.values(), "previous", "digest")
_FIXED: Final = (
    *("id", "version", "created_at", "updated_at", "action", "outcome", "request_id"),
    *("number", "previous", "digest"),
)

_events: Final = sa.table(
    "audit_events",
    *(sa.column(name, sa.String) for name in (*_OLD, *_NEW, "source")),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("number", sa.BigInteger),
)


def upgrade() -> None:
    _drop_triggers()
    op.add_column(
        "audit_events", sa.Column("source", sa.String(64), nullable=False, server_default="-")
    )
    op.add_column(
        "audit_events", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0")
    )
    for name in _NEW:
        op.add_column(
            "audit_events", sa.Column(name, sa.String(64), nullable=False, server_default="-")
        )
    checkpoint = op.create_table(
        "audit_checkpoint",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_checkpoint"),
    )
    op.execute(checkpoint.insert().values(id=1, number=0, digest=FIRST))
    if not op.get_context().as_sql:
        _chain(op.get_bind())
    # Statements that are only printed cannot chain: where there are events, they end here.
    op.create_index("ix_audit_events_number", "audit_events", ["number"], unique=True)
    for statement in _guards():
        op.execute(statement)


def downgrade() -> None:
    _drop_guards()
    op.drop_table("audit_checkpoint")
    op.drop_index("ix_audit_events_number", "audit_events")
    with op.batch_alter_table("audit_events") as events:
        for name in ("source", "number", *_NEW):
            events.drop_column(name)
    _make_append_only()


def _chain(connection: sa.Connection) -> None:
    """Number and chain the events that are there, in the order in which they were written."""
    order = sa.tuple_(_events.c.created_at, _events.c.id)
    columns = [_events.c[name] for name in (*_OLD, "created_at")]
    page = sa.select(*columns).order_by(_events.c.created_at, _events.c.id).limit(_BATCH)
    change = (
        sa.update(_events)
        .where(_events.c.id == sa.bindparam("of_id"))
        .values({name: sa.bindparam(name) for name in ("number", *_NEW)})
    )
    last, after = Link(), None
    while True:
        query = page if after is None else page.where(order > sa.tuple_(*after))
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        changes = []
        for row in rows:
            line = sealed(last, _line(row))
            last = Link(line.number, line.digest)
            changes.append(
                {"of_id": line.id, **{name: getattr(line, name) for name in ("number", *_NEW)}}
            )
        connection.execute(change, changes)
        after = (rows[-1]["created_at"], rows[-1]["id"])


def _line(row: sa.RowMapping) -> Line:
    unset = dict.fromkeys(_NEW, "")
    old = {name: row[name] for name in _OLD}
    return Line(number=0, at=moment(row["created_at"]), source="-", **old, **unset)


def _may_change() -> str:
    """A condition on OLD and NEW: nothing but names has changed, and each of them only to what
    says that it is erased.
    """
    same = [f"NEW.{name} = OLD.{name}" for name in _FIXED]
    erased = [
        f"(NEW.{name} = OLD.{name} AND NEW.{seal} = OLD.{seal}"
        f" OR NEW.{name} = '{ERASED}'"
        f" AND length(OLD.{seal}) = {SALT_CHARS} AND length(NEW.{seal}) = {MARK_CHARS})"
        for name, seal in SEALS.items()
    ]
    return " AND ".join((*same, *erased))


_MAY_REMOVE: Final = "OLD.number BETWEEN 1 AND (SELECT number FROM audit_checkpoint)"
_MAY_MOVE: Final = (
    "NEW.id = OLD.id AND NEW.number > OLD.number AND EXISTS (SELECT 1 FROM audit_events"
    " WHERE audit_events.number = NEW.number AND audit_events.digest = NEW.digest)"
)
_FORWARD: Final = "the checkpoint of the audit trail only moves forward, to an event that is there"


def _guards() -> list[str]:
    if op.get_context().dialect.name == "postgresql":
        return [
            "CREATE FUNCTION guard_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP = 'UPDATE' THEN IF {_may_change()} THEN RETURN NEW; END IF;"
            f" ELSIF TG_OP = 'DELETE' THEN IF {_MAY_REMOVE} THEN RETURN OLD; END IF; END IF;"
            f" RAISE EXCEPTION '{_REFUSAL}'; END $$",
            "CREATE FUNCTION guard_audit_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP = 'UPDATE' THEN IF {_MAY_MOVE} THEN RETURN NEW; END IF; END IF;"
            f" RAISE EXCEPTION '{_FORWARD}'; END $$",
            "CREATE TRIGGER audit_events_guard BEFORE UPDATE OR DELETE ON audit_events"
            " FOR EACH ROW EXECUTE FUNCTION guard_audit_events()",
            "CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events"
            " FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_events()",
            "CREATE TRIGGER audit_checkpoint_guard BEFORE INSERT OR UPDATE OR DELETE"
            " ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION guard_audit_checkpoint()",
            "CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint"
            " FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_checkpoint()",
        ]
    return [
        _sqlite_guard("audit_events", "UPDATE", f"NOT ({_may_change()})", _REFUSAL),
        _sqlite_guard("audit_events", "DELETE", f"NOT ({_MAY_REMOVE})", _REFUSAL),
        _sqlite_guard("audit_checkpoint", "UPDATE", f"NOT ({_MAY_MOVE})", _FORWARD),
        _sqlite_guard("audit_checkpoint", "INSERT", "1", _FORWARD),
        _sqlite_guard("audit_checkpoint", "DELETE", "1", _FORWARD),
    ]


def _sqlite_guard(table: str, change: str, condition: str, refusal: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
        f" WHEN {condition} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )


def _drop_triggers() -> None:
    """Those of migration 0003."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
        op.execute("DROP FUNCTION refuse_audit_change()")
        return
    op.execute("DROP TRIGGER audit_events_no_update")
    op.execute("DROP TRIGGER audit_events_no_delete")


def _drop_guards() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in ("audit_events", "audit_checkpoint"):
            op.execute(f"DROP TRIGGER {table}_guard ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
            op.execute(f"DROP FUNCTION guard_{table}()")
        return
    for name in ("events_no_update", "events_no_delete", "checkpoint_no_update"):
        op.execute(f"DROP TRIGGER audit_{name}")
    for change in ("insert", "delete"):
        op.execute(f"DROP TRIGGER audit_checkpoint_no_{change}")


def _make_append_only() -> None:
    """As migration 0003 did."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
