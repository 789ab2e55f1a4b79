"""The task families of this edition: one folder each."""
