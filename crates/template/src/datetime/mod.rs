//! Points in time and Go's layouts for them (`2006-01-02 15:04:05`).

mod civil;
mod format;
mod layout;
mod object;
mod parse;
mod time;
mod zone;

pub(crate) use civil::{MONTHS, WEEKDAYS};
pub(crate) use parse::parse;
pub(crate) use time::Time;
pub(crate) use zone::Zone;
