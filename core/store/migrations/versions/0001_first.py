"""Everything that the first release keeps.

Written as SQL, since most of it (roles, row-level security, storage settings, partial indexes) has
no other form; a test holds `core.store.tables` to it.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text()
    # The driver takes many statements at once only where it is spoken to directly.
    driver = op.get_bind().connection.dbapi_connection
    assert driver is not None
    driver.run_async(lambda connection: connection.execute(script))
