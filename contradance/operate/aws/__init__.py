"""A stack on AWS, operated through boto3: one adapter of `contradance.operate.ports`."""
