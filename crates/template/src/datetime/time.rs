//! A point in time, and its arithmetic.

use pannier_go::Duration;

use super::civil::Date;
use super::zone::Zone;
use crate::value::Value;

const DAY: i64 = 86_400;
const BILLION: i128 = 1_000_000_000;
/// Seconds from 0001-01-01, Go's zero time, to 1970-01-01.
pub(super) const ZERO: i64 = -62_135_596_800;

/// `time.Time`.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(super) seconds: i64,
    nanos: u32,
    pub(super) zone: Zone,
}

/// A time as a clock and a calendar on the spot show it.
pub(super) struct Clock {
    pub(super) date: Date,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    /// 0 for Sunday.
    pub(super) weekday: i64,
    /// Seconds east of universal time.
    pub(super) offset: i64,
    pub(super) zone: String,
}

impl Time {
    /// The moment so long after 1970 in universal time.
    pub(crate) fn new(seconds: i64, nanos: u32, zone: Zone) -> Self {
        Self {
            seconds,
            nanos,
            zone,
        }
    }

    /// Go's zero time, the first moment of the year 1.
    pub(crate) fn zero() -> Self {
        Self::new(ZERO, 0, Zone::Utc)
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self) -> i64 {
        self.seconds
    }

    pub(super) fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The same moment told elsewhere.
    pub(crate) fn within(&self, zone: Zone) -> Self {
        Self {
            zone,
            ..self.clone()
        }
    }

    /// The moment so many nanoseconds later.
    pub(crate) fn plus(&self, nanos: i64) -> Self {
        let total = i128::from(self.seconds) * BILLION + i128::from(self.nanos) + i128::from(nanos);
        Self {
            seconds: total.div_euclid(BILLION) as i64,
            nanos: total.rem_euclid(BILLION) as u32,
            zone: self.zone.clone(),
        }
    }

    /// How long after `other` this is, at most what a duration holds.
    pub(crate) fn since(&self, other: &Self) -> Duration {
        let difference = self.total() - other.total();
        let limited = difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Duration::from_nanos(limited as i64)
    }

    pub(super) fn total(&self) -> i128 {
        i128::from(self.seconds) * BILLION + i128::from(self.nanos)
    }

    pub(super) fn clock(&self) -> Clock {
        let (offset, zone) = self.zone.at(self.seconds);
        let local = self.seconds.saturating_add(offset);
        let days = local.div_euclid(DAY);
        let of_day = local.rem_euclid(DAY);
        Clock {
            date: Date::from_days(days),
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            weekday: (days + 4).rem_euclid(7),
            offset,
            zone,
        }
    }

    /// The moment when a clock in that zone shows this; a distance that changes is taken from shortly before.
    pub(super) fn from_clock(date: Date, of_day: i64, nanos: u32, zone: Zone) -> Self {
        let local = date.to_days().saturating_mul(DAY).saturating_add(of_day);
        let first = zone.at(local).0;
        let (before, after) = (zone.at(local - first - 1).0, zone.at(local - first).0);
        let offset = if zone.at(local - after).0 == after {
            after
        } else {
            before
        };
        Self {
            seconds: local.saturating_sub(offset),
            nanos,
            zone,
        }
    }

    /// The multiple of a duration since year 1 that comes before, or the nearest one, of two equally near the later.
    pub(super) fn to_multiple(&self, duration: i64, nearest: bool) -> Self {
        if duration <= 0 {
            return self.clone();
        }
        let since_year_1 = self.total() - i128::from(ZERO) * 1_000_000_000;
        let over = since_year_1.rem_euclid(i128::from(duration)) as i64;
        if nearest && over >= duration - over {
            self.plus(duration - over)
        } else {
            self.plus(-over)
        }
    }

    pub(super) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let clock = self.clock();
        let date = Date {
            year: clock.date.year.saturating_add(years),
            month: clock
                .date
                .month
                .saturating_add(months.clamp(-1 << 40, 1 << 40)),
            day: clock.date.day.saturating_add(days.clamp(-1 << 40, 1 << 40)),
        };
        Self::from_clock(
            date,
            clock.hour * 3600 + clock.minute * 60 + clock.second,
            self.nanos,
            self.zone.clone(),
        )
    }

    /// The time that a value is, if it is one.
    pub(crate) fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }
}
