"""
What flagcore costs, beside its peers, in one run on one machine: `python -m bench`. How to read it: `README.md`.
"""
