"""The laptop, operated: the other adapter of `contradance.operate.ports`.

The console works in the laptop's own process. Commands run in another one: they read the laptop's file, as any process may,
and send what changes something to the laptop, because SQLite takes one writer: by a small JSON API on the laptop's port.
"""
