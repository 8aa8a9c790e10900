"""What our management commands share: one clear sentence for every error, and an exit status that says it."""

from typing import Any, NoReturn, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError
from psycopg.errors import UndefinedColumn, UndefinedTable

from hcportal.errors import HcportalError


class SentenceParser(CommandParser):
    """Says what is wrong with an option in one line, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(2, f"{self.prog}: {message}. `--help` lists the options.\n")
        raise CommandError(message)


class PersonCommand(BaseCommand):
    """A command for people: errors meant for them end it with their message and a non-zero status."""

    @property
    def out(self) -> TextIO:
        """The bare output, for progress bars and tables that end their own lines."""
        return cast(TextIO, self.stdout._out)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = SentenceParser
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except HcportalError as error:
            raise CommandError(str(error)) from error
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
                raise
            raise CommandError(
                "The database has not the tables of this version yet. Nothing was done;"
                " bin/up makes them as it starts, and bin/manage migrate alone."
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted. What was published stays.", returncode=130) from None
