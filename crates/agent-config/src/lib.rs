//! The agent's configuration: HCL and JSON in, a typed value out, and JSON back.
