"""C that is preloaded into a server."""

import shutil
import subprocess
from pathlib import Path

from server import HANDLERS_FOLDER

HERE = Path(__file__).resolve().parent


def compiled(name: str, folder: Path) -> Path:
    """The library of one source beside this file."""
    library = folder / f"{name}.so"
    compiler = shutil.which("clang") or shutil.which("cc")
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, HERE / f"{name}.c"], check=True)
    return library


def preloaded_handlers(folder: Path, environment: dict[str, str]) -> Path:
    """The handlers with these variables: a child is given no environment but its own."""
    variables = " ".join(f"{name}='{value}'" for name, value in environment.items())
    for bootstrap in Path(HANDLERS_FOLDER).glob("*/bootstrap"):
        own = folder / bootstrap.parent.name / "bootstrap"
        own.parent.mkdir(parents=True)
        own.write_text(f"#!/bin/sh\n{variables} exec '{bootstrap}'\n")
        own.chmod(0o755)
    return folder
