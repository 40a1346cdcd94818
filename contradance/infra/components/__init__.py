"""Plans turned into resources: small components, each a child of what it belongs to. They decide nothing."""
