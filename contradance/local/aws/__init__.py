"""AWS's protocols on the laptop's port, for other people's clients: boto3, the AWS CLI or any other.

The console and the commands do not use it. The protocols are those of the service models of botocore 1.44: JSON with an `X-Amz-Target` header for
EventBridge (1.1) and SQS (1.0), a REST path for Lambda's Invoke. Signatures are not checked.
"""
