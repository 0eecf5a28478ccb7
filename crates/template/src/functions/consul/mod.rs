//! The functions of Consul-Template, without those that ask Consul or Nomad.

pub(super) mod collection;
pub(super) mod data;
pub(super) mod debug;
pub(super) mod math;
pub(super) mod parse;
mod scratch;
pub(super) mod system;
pub(super) mod text;
