//! How long to wait after failures: pure state, randomness handed in.

use std::time::Duration;

/// The wait of auto-auth after a failed login.
///
/// Starts at the minimum; each failure doubles it up to the maximum and then takes off up to a quarter, so that pods that
/// failed together do not come back together.
#[derive(Debug, Clone)]
pub(crate) struct LoginBackoff {
    min: Duration,
    max: Duration,
    current: Duration,
}

impl LoginBackoff {
    /// `None` unless `min` is below `max`.
    pub(crate) fn new(min: Option<Duration>, max: Option<Duration>) -> Option<Self> {
        let min = min
            .filter(|min| !min.is_zero())
            .unwrap_or(Duration::from_secs(1));
        let max = max
            .filter(|max| !max.is_zero())
            .unwrap_or(Duration::from_mins(5));
        (min < max).then_some(Self {
            min,
            max,
            current: min,
        })
    }

    /// The wait now; the next one will be longer. `unit` is uniform in `[0, 1)`.
    pub(crate) fn next(&mut self, unit: f64) -> Duration {
        let wait = self.current;
        let doubled = (2 * self.current).min(self.max);
        self.current = doubled - doubled.mul_f64(unit.clamp(0.0, 1.0) / 4.0);
        wait
    }

    /// After a success.
    pub(crate) fn reset(&mut self) {
        self.current = self.min;
    }
}

/// The waits of a dependency whose fetch fails: `250ms × 2^n` up to a minute, `retries` times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FetchBackoff {
    /// The first wait.
    pub(crate) first: Duration,
    /// The longest wait.
    pub(crate) longest: Duration,
    /// How many retries there are before it counts as failed; `None` for none.
    pub(crate) retries: Option<u32>,
}

impl FetchBackoff {
    /// From `auto_auth.method.{min,max}_backoff`, which replace the bounds, and `vault.retry.num_retries`.
    #[must_use]
    pub(crate) fn new(min: Option<Duration>, max: Option<Duration>, retries: Option<u32>) -> Self {
        Self {
            first: min
                .filter(|min| !min.is_zero())
                .unwrap_or(Duration::from_millis(250)),
            longest: max
                .filter(|max| !max.is_zero())
                .unwrap_or(Duration::from_mins(1)),
            retries,
        }
    }

    /// The wait after failure number `attempt` (from 0); `None` when the retries are used up.
    pub(crate) fn after(&self, attempt: u32) -> Option<Duration> {
        self.retries.filter(|retries| attempt < *retries)?;
        Some(exponential(self.first, self.longest, attempt))
    }
}

/// The wait before a failed template, or a dependency that used up its retries, is tried anew: `1 s × 2^n` up to five
/// minutes, each a quarter more or less.
#[derive(Debug, Clone)]
pub(crate) struct OuterBackoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl OuterBackoff {
    pub(crate) fn new(min: Option<Duration>, max: Option<Duration>) -> Self {
        Self {
            first: min
                .filter(|min| !min.is_zero())
                .unwrap_or(Duration::from_secs(1)),
            longest: max
                .filter(|max| !max.is_zero())
                .unwrap_or(Duration::from_mins(5)),
            failures: 0,
        }
    }

    pub(crate) fn next(&mut self, unit: f64) -> Duration {
        let wait = exponential(self.first, self.longest, self.failures);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(0.75 + unit.clamp(0.0, 1.0) / 2.0)
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn exponential(first: Duration, longest: Duration, exponent: u32) -> Duration {
    let factor = 2_u32.checked_pow(exponent).unwrap_or(u32::MAX);
    first
        .checked_mul(factor)
        .map_or(longest, |wait| wait.min(longest))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_login_wait_doubles_less_up_to_a_quarter_within_its_bounds() {
        for unit in [0.0, 0.3, 0.999] {
            let mut backoff = LoginBackoff::new(None, None).unwrap();
            let mut last = backoff.next(unit);
            assert_eq!(last, Duration::from_secs(1));
            for _ in 0..30 {
                let next = backoff.next(unit);
                let doubled = (2 * last).min(Duration::from_mins(5));
                assert!(
                    next <= doubled && next >= doubled.mul_f64(0.75),
                    "{last:?} {next:?}"
                );
                last = next;
            }
            backoff.reset();
            assert_eq!(backoff.next(unit), Duration::from_secs(1));
        }
    }

    #[test]
    fn the_minimum_must_be_below_the_maximum() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert!(LoginBackoff::new(seconds(5), seconds(5)).is_none());
        assert!(LoginBackoff::new(seconds(600), None).is_none());
        assert!(LoginBackoff::new(seconds(0), seconds(2)).is_some());
    }

    #[test]
    fn a_fetch_is_retried_twelve_times_in_about_five_minutes() {
        let backoff = FetchBackoff::new(None, None, Some(12));
        let waits: Vec<_> = (0..).map_while(|attempt| backoff.after(attempt)).collect();
        assert_eq!(waits.len(), 12);
        assert_eq!(waits[..3], [250, 500, 1000].map(Duration::from_millis));
        assert_eq!(waits[11], Duration::from_mins(1));
        assert_eq!(FetchBackoff::new(None, None, None).after(0), None);
        assert_eq!(
            FetchBackoff::new(None, None, Some(100)).after(99),
            Some(Duration::from_mins(1))
        );
    }

    #[test]
    fn the_outer_wait_stays_within_a_quarter() {
        let mut backoff = OuterBackoff::new(None, None);
        assert_eq!(backoff.next(0.5), Duration::from_secs(1));
        assert_eq!(backoff.next(0.0), Duration::from_millis(1500));
        for _ in 0..50 {
            assert!(backoff.next(0.999) <= Duration::from_secs(375));
        }
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_secs(1));
    }
}
