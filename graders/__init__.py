"""One module a grader. Each holds ``grade``: a function of a played trial to a score in [0, 1]."""
