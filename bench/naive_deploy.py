"""deploy.py with the shared operations replaced by the naive ones, before any role is imported."""

import runpy

import roles.lib.converge
import roles.lib.files
import roles.lib.packages
from bench import naive

roles.lib.files.checked_files = naive.checked_files  # type: ignore[assignment]
roles.lib.packages.packages = naive.packages  # type: ignore[assignment]
roles.lib.converge.converged = naive.converged  # type: ignore[assignment]
roles.lib.converge.converged_service = naive.converged_service  # type: ignore[assignment]

runpy.run_path("deploy.py")
