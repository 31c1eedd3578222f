"""What each gateway lists of payments and payouts. A gateway takes its reader as a base class."""
