"""Give it a sound, get the preset."""
