"""`python -m mocklend` is the `mocklend` command."""

from mocklend.cli import main

if __name__ == "__main__":
    main()
