//! Dates. A date is a time, or seconds since 1970; anything else is now.

use pannier_go::{Duration, NumberFault, integer};

use crate::datetime::{self, Time, Zone};
use crate::functions::{Call, Failure, Function};
use crate::value::{IntType, Type, Value};

const ANY: &[Type] = &[Type::Any];
const LAYOUT_DATE: &[Type] = &[Type::String, Type::Any];
const LAYOUT_DATE_ZONE: &[Type] = &[Type::String, Type::Any, Type::String];
const SPAN_DATE: &[Type] = &[Type::String, Type::TIME];
const SS: &[Type] = &[Type::String, Type::String];
const DAY_LAYOUT: &str = "2006-01-02";

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_ago",
        "sprig_ago T",
        "How long ago T was, in whole seconds.",
        ANY,
        Type::String,
        |call| {
            let now = now(call);
            let elapsed = now.since(&date(call, 0)).nanos();
            // Rounded to the second, half away from zero.
            let seconds = (i128::from(elapsed.unsigned_abs()) + 500_000_000) / 1_000_000_000;
            let nanos = i64::try_from(seconds * 1_000_000_000).unwrap_or(i64::MAX);
            Ok(
                Duration::from_nanos(if elapsed < 0 { -nanos } else { nanos })
                    .to_string()
                    .into(),
            )
        },
    ),
    Function::new(
        "sprig_date",
        "sprig_date LAYOUT T",
        "T by a layout of Go, such as `2006-01-02`.",
        LAYOUT_DATE,
        Type::String,
        |call| in_zone(call, &call.str(0), 1, "Local"),
    ),
    Function::new(
        "sprig_dateInZone",
        "sprig_dateInZone LAYOUT T ZONE",
        "T by a layout of Go, told in ZONE.",
        LAYOUT_DATE_ZONE,
        Type::String,
        |call| in_zone(call, &call.str(0), 1, &call.str(2)),
    ),
    Function::new(
        "sprig_dateModify",
        "sprig_dateModify SPAN T",
        "T and SPAN, such as `-1.5h`, later; T if SPAN is none.",
        SPAN_DATE,
        Type::TIME,
        modify,
    ),
    Function::new(
        "sprig_date_in_zone",
        "sprig_date_in_zone LAYOUT T ZONE",
        "The same as `sprig_dateInZone`.",
        LAYOUT_DATE_ZONE,
        Type::String,
        |call| in_zone(call, &call.str(0), 1, &call.str(2)),
    ),
    Function::new(
        "sprig_date_modify",
        "sprig_date_modify SPAN T",
        "The same as `sprig_dateModify`.",
        SPAN_DATE,
        Type::TIME,
        modify,
    ),
    Function::new(
        "sprig_duration",
        "sprig_duration SECONDS",
        "Seconds, written in digits, as a span: `1m35s`.",
        ANY,
        Type::String,
        |call| {
            let seconds = match call.arg(0) {
                Value::String(text) => match integer::parse_int(text, 10) {
                    Ok(seconds) => seconds,
                    // Go gives the number that is nearest, with an error that nobody looks at.
                    Err(error) if error.fault == NumberFault::Range => {
                        if text.starts_with(b"-") {
                            i64::MIN
                        } else {
                            i64::MAX
                        }
                    }
                    Err(_) => 0,
                },
                Value::Int(IntType::Int64, seconds) => *seconds,
                _ => 0,
            };
            Ok(Duration::from_nanos(seconds.wrapping_mul(1_000_000_000))
                .to_string()
                .into())
        },
    ),
    Function::new(
        "sprig_durationRound",
        "sprig_durationRound SPAN",
        "The largest unit of a span, cut off: `2h`, `16d`, `1y`.",
        ANY,
        Type::String,
        duration_round,
    ),
    Function::new(
        "sprig_htmlDate",
        "sprig_htmlDate T",
        "T as `2006-01-02`.",
        ANY,
        Type::String,
        |call| in_zone(call, DAY_LAYOUT, 0, "Local"),
    ),
    Function::new(
        "sprig_htmlDateInZone",
        "sprig_htmlDateInZone T ZONE",
        "T as `2006-01-02`, told in ZONE.",
        &[Type::Any, Type::String],
        Type::String,
        |call| in_zone(call, DAY_LAYOUT, 0, &call.str(1)),
    ),
    Function::new(
        "sprig_mustDateModify",
        "sprig_mustDateModify SPAN T",
        "T and SPAN later; an error if SPAN is none.",
        SPAN_DATE,
        Type::TIME,
        must_modify,
    ),
    Function::new(
        "sprig_mustToDate",
        "sprig_mustToDate LAYOUT S",
        "The time that S tells by a layout of Go.",
        SS,
        Type::TIME,
        |call| {
            let time = datetime::parse(&call.str(0), &call.str(1))
                .map_err(|error| Failure::new(error.to_string()))?;
            Ok(Value::object(time))
        },
    ),
    Function::new(
        "sprig_must_date_modify",
        "sprig_must_date_modify SPAN T",
        "The same as `sprig_mustDateModify`.",
        SPAN_DATE,
        Type::TIME,
        must_modify,
    ),
    Function::new("sprig_now", "sprig_now", "Now.", &[], Type::TIME, |call| {
        Ok(Value::object(now(call)))
    }),
    Function::new(
        "sprig_toDate",
        "sprig_toDate LAYOUT S",
        "The time that S tells by a layout of Go, else the first moment of the year 1.",
        SS,
        Type::TIME,
        |call| {
            Ok(Value::object(
                datetime::parse(&call.str(0), &call.str(1)).unwrap_or_else(|_| Time::zero()),
            ))
        },
    ),
    Function::new(
        "sprig_unixEpoch",
        "sprig_unixEpoch T",
        "Seconds since 1970.",
        &[Type::TIME],
        Type::String,
        |call| Ok(time(call, 0).unix().to_string().into()),
    ),
];

fn now(call: &Call<'_>) -> Time {
    let (seconds, nanos) = call.host().now();
    Time::new(seconds, nanos, Zone::Utc)
}

/// Argument `i`, declared as a time.
fn time(call: &Call<'_>, i: usize) -> Time {
    Time::of(call.arg(i)).cloned().unwrap_or_else(Time::zero)
}

/// Argument `i`: a time, seconds since 1970, or now.
fn date(call: &Call<'_>, i: usize) -> Time {
    match call.arg(i) {
        Value::Int(IntType::Int | IntType::Int32 | IntType::Int64, seconds) => {
            Time::new(*seconds, 0, Zone::Utc)
        }
        value => Time::of(value).cloned().unwrap_or_else(|| now(call)),
    }
}

fn in_zone(call: &Call<'_>, layout: &str, i: usize, zone: &str) -> Result<Value, Failure> {
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    Ok(date(call, i).within(zone).format(layout).into())
}

fn modify(call: &mut Call<'_>) -> Result<Value, Failure> {
    match must_modify(call) {
        Ok(time) => Ok(time),
        Err(_) => Ok(call.arg(1).clone()),
    }
}

fn must_modify(call: &mut Call<'_>) -> Result<Value, Failure> {
    let span = Duration::parse(call.text(0)).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Value::object(time(call, 1).plus(span.nanos())))
}

fn duration_round(call: &mut Call<'_>) -> Result<Value, Failure> {
    const SECOND: u64 = 1_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (365 * 24 * 3600 * SECOND, "y"),
        (30 * 24 * 3600 * SECOND, "mo"),
        (24 * 3600 * SECOND, "d"),
        (3600 * SECOND, "h"),
        (60 * SECOND, "m"),
        (SECOND, "s"),
    ];
    let span = match call.arg(0) {
        Value::String(text) => Duration::parse(text).unwrap_or_default().nanos(),
        Value::Int(IntType::Int64, nanos) => *nanos,
        value => match Time::of(value) {
            Some(time) => now(call).since(time).nanos(),
            None => 0,
        },
    };
    let span = span.unsigned_abs();
    let unit = UNITS.iter().find(|(size, _)| span > *size);
    Ok(unit
        .map_or_else(
            || "0s".to_owned(),
            |(size, name)| format!("{}{name}", span / size),
        )
        .into())
}
