"""Levels of theory as data: named YAML presets with parent, description and source."""
