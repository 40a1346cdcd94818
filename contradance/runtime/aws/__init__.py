"""The runtime's place on AWS: what Lambda invokes, over DynamoDB, EventBridge and SQS."""
