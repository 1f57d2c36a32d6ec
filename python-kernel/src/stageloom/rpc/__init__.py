"""JSON-RPC 2.0 over a byte stream: framing, requests both ways, cancellation, progress."""
