"Digits, under the hood."
__version__ = "0.1.0"
