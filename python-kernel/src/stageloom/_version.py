"""The one place that holds version numbers."""

VERSION = "0.1.0"
#: Version of the messages between host, engine and worker; both sides must agree exactly.
PROTOCOL = 1
#: Version of the store's format on disk; older ones are migrated, newer ones refused.
STORE_FORMAT = 1
