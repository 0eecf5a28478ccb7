//! Points in time that a server names by their date.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since 1970 of a year, and its month, day, hour, minute and second, in UTC.
///
/// `None` for a date that the calendar does not have, and for one before 1970. The last day of the year 9999, which
/// means "without end" in certificates (RFC 5280, section 4.1.2.5), is beyond the last point in time that there is
/// here and becomes that one.
pub(crate) fn unix_seconds(year: i16, rest: [i8; 5]) -> Option<u64> {
    let [month, day, hour, minute, second] = rest;
    let date = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let time = TimeZone::UTC.to_timestamp(date).unwrap_or(Timestamp::MAX);
    u64::try_from(time.as_second()).ok()
}
