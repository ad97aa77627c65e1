"""The skill of moving one finger freely while the others hold the object."""
