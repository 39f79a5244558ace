"""``python -m attrxfer``."""

from attrxfer.cli import main

if __name__ == "__main__":
    main()
