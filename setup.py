"""Installs the five plugin folders at the top of the repository as sub-packages of ``fusionbench``.

Everything else stands in pyproject.toml; this file exists because its static tables cannot both rename a folder and
find the packages below it, and a list kept by hand would go stale with every new method.
"""

from setuptools import find_packages, setup

PLUGIN_FOLDERS = ("methods", "evaluators", "datasets", "reports")

packages = find_packages(include=["fusionbench", "fusionbench.*"])
package_dir = {"fusionbench": "fusionbench"}
for folder in PLUGIN_FOLDERS:
    package_dir[f"fusionbench.{folder}"] = folder
    packages.append(f"fusionbench.{folder}")
    packages += [f"fusionbench.{folder}.{name}" for name in find_packages(folder)]

setup(
    packages=packages,
    package_dir=package_dir,
    include_package_data=False,
    # "**": weights and presets lie in folders that are no packages.
    package_data={
        "": [
            f"**/*.{suffix}"
            for suffix in ("yaml", "json", "csv", "md", "safetensors", "tex", "html", "css", "js", "txt")
        ]
        + ["py.typed"]
    },
)
