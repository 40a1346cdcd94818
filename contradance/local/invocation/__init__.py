"""How the laptop invokes functions: for a request, and for a delivery; in threads, or on a virtual clock."""
