"""Real speech for the emulated recordings, and what makes each recording's bytes its own."""
