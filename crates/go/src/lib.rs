//! Values as Go reads and writes them: durations, booleans, numbers, quoting, JSON, command-line flags.
