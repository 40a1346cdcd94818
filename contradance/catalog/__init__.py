"""The choreography, drawn."""
