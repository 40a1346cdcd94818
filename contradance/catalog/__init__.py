"""Documents computed from a choreography: picture, flowchart, AsyncAPI, JSON Schema, lists of contracts."""
