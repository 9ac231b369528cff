"""``python -m recbole_showcase``: the command line where the script is not on the path."""

from recbole_showcase.cli import main

if __name__ == "__main__":
    main()
