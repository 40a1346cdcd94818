"""A stand-in for Pulumi's AWS provider: what it would send is held against AWS's own service models, what a resource
names must be there, and what it answers is kept in one file, which is the account.

What is not here: IAM's decisions (beyond what Lambda asks of a role when a resource is created), consistency that comes
late, quotas (beyond those a program can break by its shape), and anything that happens at run time.
"""
