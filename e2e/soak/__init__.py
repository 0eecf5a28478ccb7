"""A soak of automatic certificates: replicas die, the caBundle is emptied, and admissions go on."""
