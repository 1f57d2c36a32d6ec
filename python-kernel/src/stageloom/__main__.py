"""``python -m stageloom`` is the command line."""

from stageloom.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
