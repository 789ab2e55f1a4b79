"""``python -m conformance``: the command."""

from conformance.cli import main

if __name__ == "__main__":
    main()
