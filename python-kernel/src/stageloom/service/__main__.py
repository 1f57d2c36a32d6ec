"""``python -m stageloom.service`` serves one editor window."""

from stageloom.service.server import main

if __name__ == "__main__":
    main()
