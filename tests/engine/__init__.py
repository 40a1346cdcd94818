"""The Pulumi program on Pulumi's own engine, without AWS: `make engine`.

    test_food, test_stacks, test_configuration, test_changes   the stories; each runs from its first test to its last
    stack, projects                              the engine as a test drives it, and what it deploys
    aws/                                         the stand-in for Pulumi's AWS provider, which is the account too
    language, program                            the stand-in for Pulumi's Python language host, where there is none

Pulumi's installer and packages bring the command and its language host; a command that was built from source
(`go install github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@v3.274.1`) comes without the host, and then the stand-in runs the
program. The AWS provider is never Pulumi's own here: the stand-in's folder is first on the path.

What this shows: what the engine foresees, does, repeats and undoes, in which order, and that AWS's models and the account
would take it. What it does not show: that AWS does with it what is expected.
"""
