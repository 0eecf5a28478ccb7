//! Times and places as templates see them.

use std::any::Any;

use super::civil::MONTHS;
use super::time::{Time, ZERO};
use super::zone::Zone;
use crate::functions::{Call, Failure};
use crate::value::{IntType, Method, Object, Shape, Text, Type, UintType, Value};

const DAY: i64 = 86_400;
const NONE: &[Type] = &[];
const OTHER: &[Type] = &[Type::TIME];

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn shape(&self) -> Shape {
        Shape::Struct
    }

    /// As Go keeps it: nanoseconds, seconds since year 1, and no place for universal time.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let place = match &self.zone {
            Zone::Utc => Value::NilPointer(LOCATION),
            zone => Value::object(Location(zone.clone())),
        };
        let nanos = u64::from(self.nanos());
        vec![
            ("wall", Value::Uint(UintType::Uint64, nanos)),
            ("ext", Value::int64(self.seconds.saturating_sub(ZERO))),
            ("loc", place),
        ]
    }

    fn method(&self, name: &str) -> Option<Method> {
        let (params, result): (&'static [Type], Type) = match name {
            "Date" => return uncallable("function Date has 3 return values; should be 1 or 2"),
            "Clock" => return uncallable("function Clock has 3 return values; should be 1 or 2"),
            "ISOWeek" => {
                return uncallable(
                    "invalid function signature for ISOWeek: second return value should be error; is int",
                );
            }
            "Zone" => {
                return uncallable(
                    "invalid function signature for Zone: second return value should be error; is int",
                );
            }
            "ZoneBounds" => {
                return uncallable(
                    "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
                );
            }
            "GoString" => (NONE, Type::String),
            "MarshalJSON" | "MarshalText" | "MarshalBinary" | "GobEncode" => (NONE, Type::Bytes),
            "AppendText" | "AppendBinary" => (&[Type::Bytes], Type::Bytes),
            "AppendFormat" => (&[Type::Bytes, Type::String], Type::Bytes),
            "In" => (&[Type::Pointer(LOCATION)], Type::TIME),
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
        Some(Method::new(params, result))
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
            "Nanosecond" => Value::int(i64::from(self.nanos())),
            "YearDay" => Value::int(clock.date.day_of_year()),
            "Weekday" => Value::Int(IntType::Weekday, clock.weekday),
            "IsZero" => Value::Bool(self.seconds == ZERO && self.nanos() == 0),
            // Only universal time and fixed offsets are known here.
            "IsDST" => Value::Bool(false),
            "UTC" | "Local" => Value::object(self.within(Zone::Utc)),
            "Location" => Value::object(Location(self.zone.clone())),
            "GoString" => self.go_syntax().into(),
            "In" => match call.arg(0) {
                Value::Object(place) => match place.as_any().downcast_ref::<Location>() {
                    Some(place) => Value::object(self.within(place.0.clone())),
                    None => return Err("not a place".into()),
                },
                _ => return Err("time: missing Location in call to Time.In".into()),
            },
            "MarshalJSON" => {
                let text = self
                    .strict_text()
                    .map_err(|why| format!("Time.MarshalJSON: {why}"))?;
                bytes(format!("\"{text}\"").as_bytes())
            }
            "MarshalText" => {
                let text = self
                    .strict_text()
                    .map_err(|why| format!("Time.MarshalText: {why}"))?;
                bytes(text.as_bytes())
            }
            "AppendText" => {
                let text = self
                    .strict_text()
                    .map_err(|why| format!("Time.AppendText: {why}"))?;
                bytes(&[call.text(0), text.as_bytes()].concat())
            }
            "MarshalBinary" | "GobEncode" => bytes(&self.binary()),
            "AppendBinary" => bytes(&[call.text(0), &*self.binary()].concat()),
            "AppendFormat" => bytes(&[call.text(0), self.format(&call.str(1)).as_bytes()].concat()),
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

    fn go_string(&self) -> Option<Text> {
        Some(self.go_syntax().into())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other = other.as_any().downcast_ref::<Self>()?;
        Some(self.total() == other.total() && self.zone.same(&other.zone))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Time {
    /// Go source that makes this time.
    fn go_syntax(&self) -> String {
        let clock = self.clock();
        let place = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            zone => format!("time.Location({})", pannier_go::quote::quote(zone.name())),
        };
        format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, {place})",
            clock.date.year,
            MONTHS[(clock.date.month - 1) as usize],
            clock.date.day,
            clock.hour,
            clock.minute,
            clock.second,
            self.nanos()
        )
    }

    /// RFC 3339, as far as that goes.
    fn strict_text(&self) -> Result<String, &'static str> {
        let clock = self.clock();
        if !(0..=9999).contains(&clock.date.year) {
            return Err("year outside of range [0,9999]");
        }
        if clock.offset.abs() >= DAY {
            return Err("timezone hour outside of range [0,23]");
        }
        Ok(self.format("2006-01-02T15:04:05.999999999Z07:00"))
    }

    /// Go's own binary form: a version, seconds since year 1, nanoseconds, minutes from universal time.
    fn binary(&self) -> Vec<u8> {
        let offset = match &self.zone {
            Zone::Utc => None,
            zone => Some(zone.at(self.seconds).0),
        };
        let seconds = offset.map_or(0, |offset| offset % 60) as i8;
        let minutes = offset.map_or(-1, |offset| offset / 60) as i16;
        let mut out = vec![if seconds == 0 { 1 } else { 2 }];
        out.extend(self.seconds.saturating_sub(ZERO).to_be_bytes());
        out.extend(self.nanos().to_be_bytes());
        out.extend(minutes.to_be_bytes());
        if seconds != 0 {
            out.extend(seconds.to_be_bytes());
        }
        out
    }
}

const fn uncallable(why: &'static str) -> Option<Method> {
    Some(Method::uncallable(why))
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(Text::from(bytes))
}

const LOCATION: &str = "*time.Location";

/// `*time.Location`.
struct Location(Zone);

impl Object for Location {
    fn type_name(&self) -> &'static str {
        LOCATION
    }

    fn method(&self, name: &str) -> Option<Method> {
        (name == "String").then_some(Method::new(NONE, Type::String))
    }

    fn call(&self, _name: &str, _call: &mut Call<'_>) -> Result<Value, Failure> {
        Ok(self.0.name().into())
    }

    fn string(&self) -> Option<Text> {
        Some(self.0.name().into())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other = other.as_any().downcast_ref::<Self>()?;
        Some(self.0.same(&other.0))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
