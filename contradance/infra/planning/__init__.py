"""What will stand on AWS, as pure data: names, policies, environments, alarms. It knows no Pulumi."""
