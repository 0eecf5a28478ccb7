//! JSON as Go's `encoding/json` reads and writes it.
//!
//! The error texts are those of Go 1.27, whose second `encoding/json` words a few of them anew.
//!
//! [`decode`] keeps the digits of numbers, refuses what Go refuses with Go's text, and nests as deep as Go does
//! without using the stack for it. [`Writer`] puts a document together with Go's escaping and indentation; a [`Json`]
//! is written with [`Json::encode`], and what knows serde with [`to_vec`].

mod decode;
mod encode;
mod serialize;
mod value;

pub use decode::{DecodeError, decode, decode_first};
pub use encode::{Style, Writer, encode_string, float_text, is_number};
pub use serialize::{Unwritable, append, to_vec};
pub use value::Json;
