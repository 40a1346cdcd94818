"""The laptop's EventBridge: the bus, its pending deliveries, its schedules, and replays of its archive."""
