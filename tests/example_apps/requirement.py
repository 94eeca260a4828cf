"""
What the example shops need. A test module that imports this is skipped, with the reason, where some of it is missing.
"""

import pytest

for framework in ("fastapi", "flask", "django"):
    pytest.importorskip(framework, reason=f"the examples need {framework}: pip install 'flagcore[all]'")

pytest.importorskip("example_apps", reason="the examples are in the checkout, not in the wheel")
