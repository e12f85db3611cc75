"""`python -m xent` is `xent`."""

from xent.cli import main

if __name__ == "__main__":
    main()
