"""
Flags in Flask's templates.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

from flask import Flask, render_template, render_template_string

from flagcore import FlagClient, MemorySource
from flagcore_flask import FlagsExtension
from tests.documents import native

PAGE = '{% flag "on" %}on{% else %}off{% endflag %} {{ flag("theme", "plain") }} {{ flags.get_string("theme") }}'


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """
    An application that has its templates in a folder of its own.
    """
    app = Flask("site", template_folder=str(tmp_path))
    FlagsExtension(app, FlagClient(MemorySource(native(on=True, theme="<dark>")), cache_dir=None))
    return app


def test_a_template_reads_by_tag_function_and_view(app: Flask) -> None:
    """
    Inside a request, and in an application context without one; values are escaped as any other.
    """
    expected = "on &lt;dark&gt; &lt;dark&gt;"
    with app.test_request_context("/"):
        assert render_template_string(PAGE) == expected
    with app.app_context():
        assert render_template_string(PAGE) == expected


def test_without_any_context_the_tags_read_the_applications_client(app: Flask) -> None:
    """
    A mail that a thread renders from the environment alone.
    """
    template = app.jinja_env.from_string('{% flag "on" %}on{% endflag %} {{ flag("theme") }} {{ flag("theme", "x") }}')
    assert template.render() == "on False &lt;dark&gt;"


def test_imported_macros_read_flags(app: Flask, tmp_path: Path) -> None:
    """
    Macros see no context of the page that imports them; `flags` and `flag` they see.
    """
    (tmp_path / "macros.html").write_text(f"{{% macro shown() %}}{PAGE}{{% endmacro %}}", encoding="utf-8")
    (tmp_path / "page.html").write_text('{% from "macros.html" import shown %}{{ shown() }}', encoding="utf-8")
    with app.test_request_context("/"):
        assert render_template("page.html") == "on &lt;dark&gt; &lt;dark&gt;"


def test_a_page_may_have_flags_of_its_own(app: Flask) -> None:
    """
    A variable that a view passes by that name is left to it, and the tag still works.
    """
    with app.test_request_context("/"):
        assert render_template_string('{{ flags }} {% flag "on" %}on{% endflag %}', flags="NL, BE") == "NL, BE on"


def test_a_filter_tells_whether_a_flag_is_on(app: Flask) -> None:
    """
    `{% if flags|enabled("key") %}`, as in the other frameworks.
    """
    page = '{{ flags|enabled("on") }} {{ flags|enabled("theme") }} {{ flags|enabled(missing) }}'
    with app.test_request_context("/"):
        assert render_template_string(page) == "True False False"
