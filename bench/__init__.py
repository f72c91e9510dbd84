"""One script a question; each prints its own figures."""
