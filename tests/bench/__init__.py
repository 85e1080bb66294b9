# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements of `make bench`: one file a comparison, on the rig of tests/rig. __main__.py runs them; docs/performance.md explains them."""
