"""For people: command line, demonstration, metrics, health and logs."""
