"""The functions of the photo album."""
