"""What is built is what stands in the tree."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
HOMES = {"src": "baobab", "migrations": "baobab/migrations"}
BUILD = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"


def test_the_wheel_holds_every_file_of_the_package_and_of_the_migrations(tmp_path: Path) -> None:
    for name in HOMES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for file in (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".")):
        shutil.copy(file, tmp_path)
    files = [file for name in HOMES for file in (tmp_path / name).rglob("*") if file.is_file()]
    tree = {file.relative_to(tmp_path).as_posix() for file in files}
    expected = {HOMES[home] + "/" + rest for home, _, rest in (name.partition("/") for name in tree)}
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        built = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert built == expected
