"""C that is preloaded into a server."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def compiled(name: str, folder: Path) -> Path:
    """The library of one source beside this file."""
    library = folder / f"{name}.so"
    compiler = shutil.which("clang") or shutil.which("cc")
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, HERE / f"{name}.c"], check=True)
    return library
