"""The one place the version number is written; `setup.py` reads it without importing torch."""
__version__ = '0.1.0'
