"""The tests, by subject. A test's name says what must hold."""
