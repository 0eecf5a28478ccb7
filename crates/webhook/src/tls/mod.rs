//! TLS: what is offered, the pair that is served, and the answer to a client's hello.

mod options;
mod pair;

pub use options::{NothingLeft, TlsOptions};
pub(crate) use pair::validity;
pub use pair::{Pair, PairError};
