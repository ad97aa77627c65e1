"""How grasps are found: surface contacts, a net-force test, growth, and a settle in physics."""
