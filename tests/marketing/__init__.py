"""Another team's application: it installs the contracts and subscribes from a stack of its own, on our bus."""
