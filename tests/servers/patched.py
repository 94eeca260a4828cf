"""
gunicorn's configuration for gevent with `--preload`, as gevent asks for it: patched before anything is loaded.
"""

from gevent import monkey

monkey.patch_all()
