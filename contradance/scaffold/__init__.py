"""Creates projects and their parts: writes new files from templates, and edits existing files precisely."""
