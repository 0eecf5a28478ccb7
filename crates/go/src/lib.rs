//! Go's own rules for values that people write into annotations, flags, configuration and templates.
//!
//! Everything that Pannier replaces is written in Go, so what counts as a boolean, a duration or a number,
//! and how the refusal reads, is decided by Go's standard library. This crate states those rules once.
//!
//! | module | Go | promise |
//! | --- | --- | --- |
//! | [`boolean`] | `strconv.ParseBool` | the twelve texts and nothing else |
//! | [`integer`] | `strconv.ParseInt`, `ParseUint`, `Atoi` | base prefixes and underscores in base 0 only |
//! | [`float`] | `strconv.ParseFloat`, `FormatFloat` | hexadecimal, underscores, `inf`; verbs `e f g x b` |
//! | [`duration`] | `time.ParseDuration`, `Duration.String` | and the looser form of Vault's configuration |
//! | [`quote`] | `strconv.Quote`, `Unquote` | on bytes, as Go strings are |
//! | [`json`] | `encoding/json` | numbers keep their digits, strings are zeroed when dropped |
//! | [`flag`] | `flag` | driven by a table, which also writes the help |
//!
//! Errors carry Go's exact text, because people search for it.

pub mod boolean;
pub mod duration;
pub mod flag;
pub mod float;
pub mod integer;
pub mod json;
mod number;
pub mod quote;

pub use duration::Duration;
pub use number::{NumberError, NumberFault};
