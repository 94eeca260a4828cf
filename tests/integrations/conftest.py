"""
The modules that hold shared tests explain their failures as test modules do.
"""

import pytest

pytest.register_assert_rewrite("tests.integrations.contract", "tests.integrations.live")
