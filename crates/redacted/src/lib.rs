//! Text that never reaches a log and is zeroed when dropped.
