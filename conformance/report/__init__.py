"""What people read of a bundle: the report in HTML, the result in the terminal."""
