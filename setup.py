"""Add what pyproject.toml cannot say: the folder recipes/ is also the package anysyn.recipes, inside every wheel."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["anysyn", "anysyn.*"]), "anysyn.recipes"],
    package_dir={"anysyn.recipes": "recipes"},
)
