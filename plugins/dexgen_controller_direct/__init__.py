"""Direct: the retargeted command goes to the hand as it is."""
