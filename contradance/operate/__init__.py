"""What an operator does with a running system.

`ports.py` is what a system must offer. It has two adapters: `operate/aws/` for a stack, `local/system/` for the laptop.
"""
