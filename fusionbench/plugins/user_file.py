"""A user's own method, straight from a Python file: ``--method path/to/file.py:Class``."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from pydantic import ValidationError

from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..errors import InputError
from .guard import guarded
from .imported_files import fingerprint as file_fingerprint
from .imported_files import forget_changed, helper_files


def user_method(text: str) -> tuple[MethodSpec, str]:
    """Read ``path/to/file.py:Class`` into a spec: the class's own ``spec`` attribute, or one made from its
    name; and the hash of the file and of the user's own modules that it imports, which stands for its code in
    the plan.

    Raises ``InputError`` if the file or class is missing, or the file can't be imported.
    """
    file, _, attribute = text.rpartition(":")
    path = Path(file).expanduser()
    if not path.is_file():
        raise InputError(f"--method {text}: there is no file {path}; the form is path/to/file.py:Class")
    try:
        fingerprint = file_fingerprint(path)
        forget_changed(helper_files(path))
    except OSError as error:
        raise InputError(
            f"--method {text}: {error.filename or path} can't be read ({error.strerror})"
        ) from error
    # A copy in another folder is another module: it may read what lies beside it.
    place = hashlib.sha256(f"{fingerprint} {path.resolve()}".encode(errors="surrogateescape")).hexdigest()
    module_name = f"fusionbench_user_{plain_name(path.stem)}_{place[:16]}"
    if module_name not in sys.modules:
        found = importlib.util.spec_from_file_location(module_name, path)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[module_name] = module
        try:
            with guarded(str(path)):
                found.loader.exec_module(module)
        except ValidationError as error:
            sys.modules.pop(module_name, None)
            reasons = "; ".join(
                f"{e['loc'][-1] if e['loc'] else 'spec'}: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors()
            )
            raise InputError(f"--method {text}: {path} describes a method wrongly: {reasons}") from None
        except Exception as error:
            sys.modules.pop(module_name, None)
            raise InputError(
                f"--method {text}: {path} can't be imported: {type(error).__name__}: {error}"
            ) from error
    module = sys.modules[module_name]
    if not hasattr(module, attribute):
        raise InputError(f"--method {text}: {path} has no class {attribute!r}")
    spec = getattr(getattr(module, attribute), "spec", None)
    factory = f"{module_name}:{attribute}"
    if isinstance(spec, MethodSpec):
        return spec.model_copy(update={"factory": factory}), fingerprint
    return MethodSpec(
        name=plain_name(attribute.lower()), title=attribute, family="user", factory=factory
    ), fingerprint
