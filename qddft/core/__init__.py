"""Things every layer uses: errors, units, hashing, frozen values, suggestions, data files."""
