"""
The shop in Django.

    python -m django runserver --settings example_apps.django_shop.settings
"""
