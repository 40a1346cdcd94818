"""New projects, and new parts of one: files from templates, and precise edits of those that are there."""
