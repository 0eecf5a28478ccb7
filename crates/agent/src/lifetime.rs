//! When to renew a token or lease, and when to give up and get a new one: the lifetime watcher as a pure machine.
//!
//! The caller renews, hands in what came of it, and is told to sleep or to finish. Source of the rules: agent behaviour,
//! "keeping the token alive". All times are seconds on a clock that the caller hands in.

/// What a renewal brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Renewal {
    /// Renewed: the new lease duration in seconds, and whether it can be renewed again.
    Renewed(f64, bool),
    /// The request failed.
    Failed,
    /// It cannot be renewed, so nothing was asked.
    NotRenewable,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Renew (or look again) after so many seconds.
    Sleep(f64),
    /// Get a new one.
    Finish,
}

/// First pause after a failed renewal and the longest, in seconds.
const ERROR_FIRST: f64 = 10.0;
const ERROR_LONGEST: f64 = 300.0;

/// The state between renewals.
#[derive(Debug, Clone)]
pub(crate) struct Lifetime {
    /// Ends at the first failed renewal, as for the leases of secrets; otherwise tries while time is left.
    strict: bool,
    renewable: bool,
    lease: f64,
    since: f64,
    prior: f64,
    grace: f64,
    failures: Option<u32>,
}

impl Lifetime {
    /// A lease of `lease` seconds that began at `now`. `unit` is uniform in `[0, 1)`, as in [`Self::step`].
    pub(crate) fn new(lease: f64, renewable: bool, strict: bool, now: f64, unit: f64) -> Self {
        Self {
            strict,
            renewable,
            lease,
            since: now,
            prior: lease,
            grace: grace(lease, unit),
            failures: None,
        }
    }

    /// Whether the next step begins with a renewal.
    pub(crate) fn renewable(&self) -> bool {
        self.renewable
    }

    /// Takes what came of the renewal at `now`.
    pub(crate) fn step(&mut self, renewal: Renewal, now: f64, unit: f64) -> Step {
        let remaining = match renewal {
            Renewal::Renewed(lease, renewable) => {
                self.since = now;
                self.lease = lease;
                self.failures = None;
                if self.strict && !renewable {
                    return Step::Finish;
                }
                lease
            }
            Renewal::Failed => {
                if self.strict {
                    return Step::Finish;
                }
                self.failures = Some(
                    self.failures
                        .map_or(0, |failures| failures.saturating_add(1)),
                );
                self.since + self.lease - now
            }
            Renewal::NotRenewable => self.since + self.prior - now,
        };
        let sleep = match self.failures {
            None => {
                if remaining > self.prior {
                    self.grace = grace(remaining, unit);
                }
                remaining * 2.0 / 3.0 + self.grace / 3.0
            }
            Some(failures) => {
                if remaining < 0.0 {
                    return Step::Finish;
                }
                let exponential =
                    ERROR_FIRST * 2_f64.powi(i32::try_from(failures.min(30)).unwrap_or(30));
                exponential.min(ERROR_LONGEST) * (0.5 + unit)
            }
        };
        self.prior = remaining;
        if remaining <= self.grace || remaining - sleep <= self.grace {
            return Step::Finish;
        }
        Step::Sleep(sleep)
    }
}

/// How long before the end the lease is given up: 10 to 20 % of it.
fn grace(duration: f64, unit: f64) -> f64 {
    if duration <= 0.0 {
        0.0
    } else {
        0.1 * duration * (1.0 + unit.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a watcher against a server; returns the times of its renewals and of its end.
    fn run(
        lease: f64,
        renewable: bool,
        strict: bool,
        unit: f64,
        mut server: impl FnMut(f64) -> Renewal,
    ) -> (Vec<f64>, f64) {
        let mut now = 0.0;
        let mut renewals = Vec::new();
        let mut life = Lifetime::new(lease, renewable, strict, now, unit);
        for _ in 0..10_000 {
            let renewal = if life.renewable() {
                renewals.push(now);
                server(now)
            } else {
                Renewal::NotRenewable
            };
            match life.step(renewal, now, unit) {
                Step::Sleep(seconds) => {
                    assert!(seconds > 0.0, "a busy loop");
                    now += seconds;
                }
                Step::Finish => return (renewals, now),
            }
        }
        (renewals, f64::INFINITY)
    }

    #[test]
    fn the_first_renewal_is_at_once_and_then_at_about_seven_tenths() {
        for unit in [0.0, 0.5, 0.999] {
            let (renewals, end) = run(3600.0, true, false, unit, |_| {
                Renewal::Renewed(3600.0, true)
            });
            assert!(end.is_infinite());
            assert_eq!(renewals[0], 0.0);
            let gap = renewals[2] - renewals[1];
            assert!((0.70..0.735).contains(&(gap / 3600.0)), "{gap}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_renewed_is_replaced_before_its_end() {
        for unit in [0.0, 0.5, 0.999] {
            let (renewals, end) = run(6.0, false, false, unit, |_| Renewal::Failed);
            assert!(renewals.is_empty());
            assert!((4.1..4.5).contains(&end), "{end}");
        }
    }

    #[test]
    fn a_token_at_its_maximum_is_replaced_before_its_end() {
        for unit in [0.0, 0.5, 0.999] {
            // Renewals give what is left until second 100.
            let (_, end) = run(20.0, true, false, unit, |now| {
                Renewal::Renewed((100.0 - now).min(20.0), true)
            });
            assert!(end < 100.0 && end > 80.0, "{end}");
        }
    }

    #[test]
    fn a_failing_renewal_is_tried_while_time_is_left() {
        for unit in [0.0, 0.5, 0.999] {
            let (renewals, end) = run(60.0, true, false, unit, |_| Renewal::Failed);
            assert!(renewals.len() >= 2, "{renewals:?}");
            assert!(end < 60.0, "{end}");
        }
    }

    #[test]
    fn the_strict_form_ends_at_the_first_failure_or_last_renewal() {
        assert_eq!(run(60.0, true, true, 0.5, |_| Renewal::Failed).1, 0.0);
        assert_eq!(
            run(60.0, true, true, 0.5, |_| Renewal::Renewed(60.0, false)).1,
            0.0
        );
    }

    #[test]
    fn no_lease_at_all_ends_at_once() {
        for lease in [0.0, -1.0] {
            assert_eq!(
                run(lease, true, false, 0.5, |_| Renewal::Renewed(lease, true)).1,
                0.0
            );
            assert_eq!(run(lease, false, false, 0.5, |_| Renewal::Failed).1, 0.0);
        }
    }
}
