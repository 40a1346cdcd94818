"""The runtime's environment on AWS: what Lambda invokes, over DynamoDB, EventBridge and SQS."""
