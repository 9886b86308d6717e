"""`src/` is the package `baobab` and `migrations/` is `baobab.migrations`."""

from setuptools import find_packages, setup

homes = {"baobab": "src", "baobab.migrations": "migrations"}
found = [f"{name}.{child}" for name, home in homes.items() for child in find_packages(home)]
setup(package_dir=homes, packages=[*homes, *found])
