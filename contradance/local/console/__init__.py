"""The console: the pages of `contradance run` in a browser, under `/_contradance/` on the laptop's port.

Jinja2 renders the pages and escapes every value; one small script adds new deliveries. Outside of its own paths the console
serves only `/`, and only where the application has no route for it.
"""
