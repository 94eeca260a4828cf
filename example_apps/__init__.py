"""
The same small shop in FastAPI, Flask and Django, beside the flag server whose flags they follow.

    python -m example_apps

Start reading at `fastapi_shop/main.py`, `flask_shop/__init__.py` or `django_shop/views.py`: each is one page. They
share one template and one definition file, and nothing else.
"""
