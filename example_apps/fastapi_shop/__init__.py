"""
The shop in FastAPI: see `main`.
"""
