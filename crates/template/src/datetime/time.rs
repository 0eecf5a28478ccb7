//! A point in time, with the methods that a template may call.

use std::any::Any;

use pannier_go::Duration;

use super::civil::Date;
use super::zone::Zone;
use crate::functions::{Call, Failure};
use crate::value::{IntType, Method, Object, Shape, Text, Type, Value};

const DAY: i64 = 86_400;
const BILLION: i128 = 1_000_000_000;
/// Seconds from 0001-01-01, Go's zero time, to 1970-01-01.
const ZERO: i64 = -62_135_596_800;

/// `time.Time`.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    seconds: i64,
    nanos: u32,
    zone: Zone,
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

    fn total(&self) -> i128 {
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
    fn to_multiple(&self, duration: i64, nearest: bool) -> Self {
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

    fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
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

const NONE: &[Type] = &[];
const OTHER: &[Type] = &[Type::TIME];

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    fn method(&self, name: &str) -> Option<Method> {
        let (params, result): (&'static [Type], Type) = match name {
            "Unix" | "UnixNano" | "UnixMilli" | "UnixMicro" => (NONE, Type::INT64),
            "Year" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" => {
                (NONE, Type::INT)
            }
            "Month" => (NONE, Type::Int(IntType::Month)),
            "Weekday" => (NONE, Type::Int(IntType::Weekday)),
            "String" => (NONE, Type::String),
            "IsZero" | "IsDST" => (NONE, Type::Bool),
            "UTC" | "Local" => (NONE, Type::TIME),
            "Location" => (NONE, Type::Pointer("*time.Location")),
            "Format" => (&[Type::String], Type::String),
            "Add" | "Round" | "Truncate" => (&[Type::DURATION], Type::TIME),
            "AddDate" => (&[Type::INT, Type::INT, Type::INT], Type::TIME),
            "Sub" => (OTHER, Type::DURATION),
            "Before" | "After" | "Equal" => (OTHER, Type::Bool),
            "Compare" => (OTHER, Type::INT),
            _ => return None,
        };
        Some(Method {
            params,
            variadic: false,
            result,
        })
    }

    fn call(&self, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
        let clock = self.clock();
        let other = || Self::of(call.arg(0)).cloned().unwrap_or_else(Self::zero);
        let narrow = |total: i128| Value::int64(total as i64);
        Ok(match name {
            "Unix" => Value::int64(self.seconds),
            "UnixNano" => narrow(self.total()),
            "UnixMicro" => narrow(self.total().div_euclid(1_000)),
            "UnixMilli" => narrow(self.total().div_euclid(1_000_000)),
            "Year" => Value::int(clock.date.year),
            "Month" => Value::Int(IntType::Month, clock.date.month),
            "Day" => Value::int(clock.date.day),
            "Hour" => Value::int(clock.hour),
            "Minute" => Value::int(clock.minute),
            "Second" => Value::int(clock.second),
            "Nanosecond" => Value::int(i64::from(self.nanos)),
            "YearDay" => Value::int(clock.date.day_of_year()),
            "Weekday" => Value::Int(IntType::Weekday, clock.weekday),
            "IsZero" => Value::Bool(self.seconds == ZERO && self.nanos == 0),
            // Only universal time and fixed offsets are known here.
            "IsDST" => Value::Bool(false),
            "UTC" | "Local" => Value::object(self.within(Zone::Utc)),
            "Location" => Value::object(Location(self.zone.name().to_owned())),
            "Format" => self.format(&call.str(0)).into(),
            "Add" => Value::object(self.plus(call.int(0))),
            "Round" => Value::object(self.to_multiple(call.int(0), true)),
            "Truncate" => Value::object(self.to_multiple(call.int(0), false)),
            "AddDate" => Value::object(self.add_date(call.int(0), call.int(1), call.int(2))),
            "Sub" => Value::duration(self.since(&other()).nanos()),
            "Before" => Value::Bool(self.total() < other().total()),
            "After" => Value::Bool(self.total() > other().total()),
            "Equal" => Value::Bool(self.total() == other().total()),
            "Compare" => Value::int(self.total().cmp(&other().total()) as i64),
            _ => Value::from(self.format("2006-01-02 15:04:05.999999999 -0700 MST")),
        })
    }

    fn string(&self) -> Option<Text> {
        Some(
            self.format("2006-01-02 15:04:05.999999999 -0700 MST")
                .into(),
        )
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other = other.as_any().downcast_ref::<Self>()?;
        Some(self.total() == other.total() && self.zone.name() == other.zone.name())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `*time.Location`, which only prints its name.
struct Location(String);

impl Object for Location {
    fn type_name(&self) -> &'static str {
        "*time.Location"
    }

    fn method(&self, name: &str) -> Option<Method> {
        (name == "String").then_some(Method {
            params: NONE,
            variadic: false,
            result: Type::String,
        })
    }

    fn call(&self, _name: &str, _call: &mut Call<'_>) -> Result<Value, Failure> {
        Ok(self.0.as_str().into())
    }

    fn string(&self) -> Option<Text> {
        Some(self.0.as_str().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
