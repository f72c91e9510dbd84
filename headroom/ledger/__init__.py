"""The durable account: one row for each exchange, sums of them by hour and day, and what is asked of both."""
