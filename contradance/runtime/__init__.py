"""What happens inside a function: consume, the unit of work, publish. The same code serves Lambda and the laptop."""
