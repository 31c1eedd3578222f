"""One page of a list, by number or after a row."""

from typing import Any

from sqlalchemy import Select, Table, tuple_

from core.ports import Paging


def paged(query: Select[Any], table: Table, paging: Paging) -> Select[Any]:
    """One more than a page, so that the caller sees whether something follows."""
    column = table.c[paging.sort_by]
    order = (column, table.c.id)
    query = query.order_by(*(each.desc() if paging.descending else each.asc() for each in order))
    query = query.limit(paging.per_page + 1)
    if paging.after is None:
        return query.offset((paging.page - 1) * paging.per_page)
    place, after = tuple_(table.c.created_at, table.c.id), tuple_(*paging.after)
    return query.where(place < after if paging.descending else place > after)
