"""AWS's own protocols on the laptop's port, so that boto3, the AWS CLI or any other client can use it.

What an AWS client sends is what the service models of botocore 1.44 say: JSON with an `X-Amz-Target` header for
EventBridge (1.1) and SQS (1.0), a REST path for Lambda's Invoke. Signatures are not checked.
"""
