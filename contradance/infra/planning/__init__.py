"""Plans of AWS resources as pure data: names, policies, environments, alarms. Does not import Pulumi."""
