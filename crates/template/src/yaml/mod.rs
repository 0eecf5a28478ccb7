//! YAML 1.1 as `yaml.v2` reads and writes it.

mod emit;
mod read;
mod resolve;

pub(crate) use emit::encode;
pub(crate) use read::decode;
