"""How an agent is reached. ``contract`` says what the suite and an agent owe each other."""
