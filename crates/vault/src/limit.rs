//! A token bucket: `VAULT_RATE_LIMIT`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests per second, and how many may go at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests per second.
    pub rate: f64,
    /// Size of the bucket.
    pub burst: u32,
}

impl RateLimit {
    /// Parses `rate` or `rate:burst`; the burst defaults to the integer part of the rate.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the integer part of a positive number"
    )]
    pub fn parse(text: &str) -> Option<Self> {
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst.trim().parse().ok()?)),
            None => (text, None),
        };
        let rate: f64 = rate
            .trim()
            .parse()
            .ok()
            .filter(|rate: &f64| rate.is_finite() && *rate >= 0.0)?;
        Some(Self {
            rate,
            burst: burst.unwrap_or(rate as u32),
        })
    }
}

/// The bucket of one client.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: RateLimit,
    /// Tokens left (negative when requests wait) and when that was counted.
    state: Mutex<(f64, Instant)>,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            state: Mutex::new((f64::from(limit.burst.max(1)), Instant::now())),
        }
    }

    /// Waits for its turn.
    pub(crate) async fn wait(&self) {
        tokio::time::sleep(self.reserve(Instant::now())).await;
    }

    fn reserve(&self, now: Instant) -> Duration {
        if self.limit.rate <= 0.0 {
            return Duration::ZERO;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.duration_since(state.1).as_secs_f64() * self.limit.rate;
        let left = (state.0 + gained).min(f64::from(self.limit.burst.max(1))) - 1.0;
        *state = (left, now);
        Duration::from_secs_f64((-left / self.limit.rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rate_and_burst() {
        for (text, expected) in [
            ("10", Some((10.0, 10))),
            ("2.5:4", Some((2.5, 4))),
            ("0.5", Some((0.5, 0))),
            ("x", None),
            ("1:x", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(
                RateLimit::parse(text).map(|limit| (limit.rate, limit.burst)),
                expected,
                "{text}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limiter = RateLimiter::new(RateLimit {
            rate: 10.0,
            burst: 3,
        });
        let start = Instant::now();
        for _ in 0..13 {
            limiter.wait().await;
        }
        let taken = start.elapsed().as_secs_f64();
        assert!((0.99..1.05).contains(&taken), "{taken}");
    }
}
