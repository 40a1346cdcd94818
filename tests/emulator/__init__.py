"""The deployed systems on an emulator of AWS that others wrote: MiniStack. `make emulator` runs these tests.

Pulumi's mocks record the plan (`tests.infra.mocks`), and every resource of it is created over MiniStack's API. MiniStack
runs the real zips with the real layer. A proxy between each function and MiniStack records every call, and denies what
the function's own policy does not allow. `gaps.py` lists how MiniStack differs from AWS.
"""
