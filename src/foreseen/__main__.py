"""The command line as `python -m foreseen`."""

from foreseen.cli import main

if __name__ == "__main__":
    main()
