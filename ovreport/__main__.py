"""``python -m ovreport`` is the ``ovreport`` command."""

from ovreport.cli import main

if __name__ == "__main__":
    main()
