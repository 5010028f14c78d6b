"""The command line. Commands import what they need when they run, so that ``--help`` and ``list`` answer
at once."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import sys
from typing import NoReturn


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with 0 done, 1 some units failed, 2 bad usage or input, 130
    interrupted."""
    from ..errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, FusionBenchError, printable
    from .failures import Termination, sentence

    termination = Termination()
    termination.install()
    with contextlib.suppress(AttributeError, OSError, ValueError):  # stderr may be no file
        faulthandler.enable(all_threads=False)  # names the plugin's line where its native code crashes
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names that aren't UTF-8 are shown, not raised
        sys.stdout.reconfigure(errors="backslashreplace")

    try:
        from .app import app

        termination.active = True
        code = app(arguments, standalone_mode=False)
        termination.active = False
    except FusionBenchError as error:
        print(f"fusionbench: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _interrupted()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_BAD_INPUT)
    except ModuleNotFoundError as error:
        from ..extras import missing_extra

        if (missing := missing_extra(error, "this command")) is None:
            raise
        print(f"fusionbench: {missing}", file=sys.stderr)
        sys.exit(missing.exit_code)
    except (Exception, SystemExit) as error:
        if termination.requested:  # a library made something else of it
            _interrupted()
        if hasattr(error, "exit_code") and hasattr(error, "format_message"):  # click's usage errors
            context = getattr(error, "ctx", None)
            if context is not None:
                print(context.get_usage(), file=sys.stderr)
            print(f"fusionbench: {printable(error.format_message())}", file=sys.stderr)
            sys.exit(EXIT_BAD_INPUT)
        if isinstance(error.__context__, BrokenPipeError):  # what typer makes of `| head`
            sys.exit(EXIT_BAD_INPUT)
        if type(error).__name__ == "Abort":  # what click makes of Ctrl-C
            _interrupted()
        if (said := sentence(error)) is None:
            raise
        print(f"fusionbench: {said}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    if code == EXIT_INTERRUPTED or termination.requested:  # what typer makes of Ctrl-C
        _interrupted()
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> NoReturn:
    from ..errors import EXIT_INTERRUPTED

    print(
        "\nfusionbench: interrupted; what is finished is kept, run the same command again to go on",
        file=sys.stderr,
    )
    sys.exit(EXIT_INTERRUPTED)
