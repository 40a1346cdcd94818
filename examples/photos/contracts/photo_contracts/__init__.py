"""The events of the photo album."""
