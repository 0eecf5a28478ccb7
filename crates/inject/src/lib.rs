//! Pod and settings in, decision, plan and JSON patch out; no I/O.
