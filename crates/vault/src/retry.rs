//! When a request is sent again, and after what pause: pure rules.

use std::time::Duration;

use crate::calendar;

/// Whether an answer with this status is worth another try: 412 (a standby that is behind), 429, and all of
/// 5xx but 501.
#[must_use]
pub fn is_retried(status: u16) -> bool {
    matches!(status, 412 | 429) || (status >= 500 && status != 501)
}

/// The pause before retry `attempt` (1 for the first): `attempt` times a random time between 1 and 1.5 s.
///
/// The server's `Retry-After` replaces it when the status is 429 or 503. `unit` is uniform in `[0, 1)`.
#[must_use]
pub fn pause(
    attempt: u32,
    status: Option<u16>,
    retry_after: Option<Duration>,
    unit: f64,
) -> Duration {
    match (status, retry_after) {
        (Some(429 | 503), Some(asked)) => asked,
        _ => Duration::from_secs_f64(f64::from(attempt) * (1.0 + unit.clamp(0.0, 1.0) / 2.0)),
    }
}

/// Reads a `Retry-After` header: seconds, or a date such as `Fri, 31 Dec 1999 23:59:59 GMT`.
///
/// `now` is the wall clock as time since 1970. A date in the past means no pause.
#[must_use]
pub fn retry_after(text: &str, now: Duration) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    http_date(text).map(|at| at.saturating_sub(now))
}

/// The one form of date that servers still send (RFC 9110, IMF-fixdate), as time since 1970.
fn http_date(text: &str) -> Option<Duration> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let day = words.next()?.parse().ok()?;
    let name = words.next().filter(|name| name.len() == 3)?;
    let month = i8::try_from(MONTHS.find(name)? / 3).ok()? + 1;
    let year = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':');
    let mut next = || clock.next()?.parse().ok();
    let (hour, minute, second) = (next()?, next()?, next()?);
    if words.next() != Some("GMT") {
        return None;
    }
    calendar::unix_seconds(year, [month, day, hour, minute, second]).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_what_may_pass_by_itself() {
        let retried: Vec<u16> = (200..600).filter(|status| is_retried(*status)).collect();
        assert_eq!(retried[..3], [412, 429, 500]);
        assert!(!retried.contains(&501) && retried.contains(&502) && retried.contains(&599));
        assert!(
            ![200, 204, 302, 400, 403, 404, 473]
                .iter()
                .any(|status| is_retried(*status))
        );
    }

    #[test]
    fn the_pause_grows_with_the_attempt_and_stays_in_its_range() {
        for attempt in 1..20 {
            for unit in [0.0, 0.5, 0.999] {
                let seconds = pause(attempt, Some(500), None, unit).as_secs_f64();
                let low = f64::from(attempt);
                assert!((low..=1.5 * low).contains(&seconds));
            }
        }
    }

    #[test]
    fn the_servers_own_wish_counts_for_429_and_503_only() {
        let wish = Some(Duration::from_secs(7));
        assert_eq!(pause(1, Some(429), wish, 0.0), Duration::from_secs(7));
        assert_eq!(pause(3, Some(503), wish, 0.9), Duration::from_secs(7));
        assert_eq!(pause(2, Some(500), wish, 0.0), Duration::from_secs(2));
        assert_eq!(pause(2, None, wish, 0.0), Duration::from_secs(2));
    }

    #[test]
    fn reads_seconds_and_dates() {
        let now = Duration::from_secs(946_684_789); // Fri, 31 Dec 1999 23:59:49 GMT
        for (text, seconds) in [
            ("3", Some(3)),
            (" 0 ", Some(0)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(10)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(5_097_611)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("soon", None),
            ("Fri, 31 Xyz 1999 23:59:59 GMT", None),
            ("", None),
        ] {
            assert_eq!(
                retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
