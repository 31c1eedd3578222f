"""The public page of a gift: seen by everybody, opened by whoever proves a number."""
