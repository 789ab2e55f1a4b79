"""The task families of the edition, one folder each."""
