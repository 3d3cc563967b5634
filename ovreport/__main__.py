"""The ``ovreport`` command, which is ``python -m ovreport`` too."""

from __future__ import annotations

from ovreport.interruption import end_at_once, ending_in_order


def main() -> None:
    """Run the command line of this process."""
    # Importing takes half a second. Libraries such as pydantic turn an interruption of it into
    # another error, and nothing has to be cleaned up yet, so an interruption ends the process here.
    end_at_once()
    from ovreport.cli import main as program

    with ending_in_order():
        program()


if __name__ == "__main__":
    main()
