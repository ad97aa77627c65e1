"""The Wonik Allegro Hand, right and left: model, declaration and the script that made the model."""
