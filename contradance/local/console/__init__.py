"""The console: what `contradance run` shows in a browser, under `/_contradance/` on its own port.

Pages are rendered here, by Jinja2 with every value escaped; one small script adds what happens meanwhile. The application's
routes are the application's: of its paths the console takes `/` alone, and only where the application has no route for it.
"""
