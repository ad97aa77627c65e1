"""The skill of continuous in-hand rotation about a given axis."""
