//! When a secret is fetched again: a pure choice by what kind of answer it is.

use std::time::Duration;

use pannier_go::json::Json;
use pannier_vault::Secret;

/// What keeps an answer true.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Upkeep {
    /// Renew its lease with `sys/leases/renew`.
    RenewLease,
    /// Renew the token it brought.
    RenewToken,
    /// Fetch it again after this time.
    Wait(Duration),
}

/// The settings that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// `template_config.static_secret_render_interval`.
    pub(crate) interval: Duration,
    /// `template_config.lease_renewal_threshold`: the part of its lifetime after which a secret is fetched again.
    pub(crate) threshold: f64,
}

/// A static role whose password is being rotated right now says that no time is left: ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server is rotating this secret (`ttl` is 0)")]
pub(crate) struct Rotating;

impl Schedule {
    /// What keeps `secret` true. `now` is seconds since 1970, `unit` uniform in `[0, 1)`.
    pub(crate) fn upkeep(&self, secret: &Secret, now: i64, unit: f64) -> Result<Upkeep, Rotating> {
        if let Some(auth) = &secret.auth
            && auth.renewable
        {
            return Ok(Upkeep::RenewToken);
        }
        if secret.renewable && !secret.lease_id.is_empty() {
            return Ok(Upkeep::RenewLease);
        }
        let number = |name: &str| secret.field(name).and_then(whole);
        let no_lease = secret.lease_id.is_empty();
        if no_lease
            && secret.field("rotation_period").is_some()
            && let Some(ttl) = number("ttl")
        {
            if ttl <= 0 {
                return Err(Rotating);
            }
            return Ok(Upkeep::Wait(seconds(ttl + 1)));
        }
        let base = if no_lease
            && secret.field("certificate").is_some()
            && let Some(expiration) = number("expiration")
        {
            seconds(expiration - now)
        } else if no_lease
            && secret.field("secret_id").is_some()
            && let Some(ttl) = number("secret_id_ttl").filter(|ttl| *ttl > 0)
        {
            seconds(ttl + 1)
        } else if secret.lease_duration > 0 {
            seconds(secret.lease_duration)
        } else if let Some(auth) = secret.auth.as_ref().filter(|auth| auth.lease_duration > 0) {
            seconds(auth.lease_duration)
        } else {
            self.interval
        };
        Ok(Upkeep::Wait(self.spread(base, unit)))
    }

    /// A wait near the threshold's part of `base`, so that pods that started together do not ask together.
    fn spread(&self, base: Duration, unit: f64) -> Duration {
        let factor = self.threshold + (unit.clamp(0.0, 1.0) - 0.5) / 10.0;
        let factor = if factor > 0.0 && factor < 1.0 {
            factor
        } else {
            self.threshold
        };
        base.mul_f64(factor.clamp(0.0, 1.0))
    }
}

fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn upkeep(body: &str, unit: f64) -> Result<Upkeep, Rotating> {
        let schedule = Schedule {
            interval: Duration::from_mins(5),
            threshold: 0.90,
        };
        schedule.upkeep(&Secret::parse(body.as_bytes()).unwrap(), 1000, unit)
    }

    fn wait(body: &str, unit: f64) -> f64 {
        match upkeep(body, unit).unwrap() {
            Upkeep::Wait(wait) => wait.as_secs_f64(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_can_be_renewed_is_renewed() {
        assert_eq!(
            upkeep(
                r#"{"lease_id":"l","renewable":true,"lease_duration":60}"#,
                0.5
            ),
            Ok(Upkeep::RenewLease)
        );
        assert_eq!(
            upkeep(r#"{"auth":{"renewable":true,"lease_duration":60}}"#, 0.5),
            Ok(Upkeep::RenewToken)
        );
    }

    #[test]
    fn the_rest_waits_by_its_kind() {
        for (body, expected) in [
            (r#"{"data":{"data":{}}}"#, 270.0),
            (r#"{"lease_duration":2764800}"#, 2_488_320.0),
            (
                r#"{"lease_id":"l","lease_duration":100,"renewable":false}"#,
                90.0,
            ),
            (
                r#"{"data":{"certificate":"c","expiration":2000},"lease_duration":5}"#,
                900.0,
            ),
            (r#"{"data":{"certificate":"c","expiration":500}}"#, 0.0),
            (r#"{"data":{"secret_id":"s","secret_id_ttl":99}}"#, 90.0),
            (r#"{"data":{"secret_id":"s","secret_id_ttl":0}}"#, 270.0),
            (r#"{"data":{"rotation_period":60,"ttl":9}}"#, 10.0),
            (r#"{"auth":{"renewable":false,"lease_duration":100}}"#, 90.0),
        ] {
            assert!(
                (wait(body, 0.5) - expected).abs() < 0.001,
                "{body}: {}",
                wait(body, 0.5)
            );
        }
        assert_eq!(
            upkeep(r#"{"data":{"rotation_period":60,"ttl":0}}"#, 0.5),
            Err(Rotating)
        );
    }

    #[test]
    fn the_wait_is_spread_by_a_twentieth() {
        let body = r#"{"data":{"data":{}}}"#;
        assert!((wait(body, 0.0) - 255.0).abs() < 0.001);
        assert!((wait(body, 0.999) - 285.0).abs() < 0.1);
        let near_one = Schedule {
            interval: Duration::from_secs(100),
            threshold: 0.98,
        };
        assert_eq!(
            near_one.spread(Duration::from_secs(100), 0.99),
            Duration::from_secs(98)
        );
    }
}
