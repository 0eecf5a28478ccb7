//! Text to a time, by a layout, as Go's `time.Parse` does it.

use super::civil::{Date, MONTHS, WEEKDAYS, days_in_month, is_leap};
use super::layout::{self, Part};
use super::time::Time;
use super::zone::Zone;

/// Why a text does not fit a layout, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// A piece of the layout that does not fit what stands there.
    #[error(
        "parsing time {} as {}: cannot parse {} as {}",
        quote(.value), quote(.layout), quote(.value_part), quote(.layout_part)
    )]
    Mismatch {
        value: String,
        layout: String,
        value_part: String,
        layout_part: String,
    },
    /// A part beyond its range, or text that is left over.
    #[error("parsing time {}: {what}", quote(.value))]
    Bad { value: String, what: String },
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out + "\""
}

/// A piece does not fit.
struct Misfit;

/// What has been read of a time.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: String,
}

/// `time.Parse`; a text without a zone is in universal time.
pub(crate) fn parse(layout: &str, value: &str) -> Result<Time, ParseError> {
    let bad = |what: String| ParseError::Bad {
        value: value.to_owned(),
        what,
    };
    let mismatch = |value_part: &str, layout_part: &str| ParseError::Mismatch {
        value: value.to_owned(),
        layout: layout.to_owned(),
        value_part: value_part.to_owned(),
        layout_part: layout_part.to_owned(),
    };
    let mut fields = Fields::default();
    let (mut layout_rest, mut rest) = (layout, value);
    loop {
        let next = layout::next(layout_rest);
        let text = next.map_or(layout_rest, |(text, ..)| text);
        rest = skip(rest, text).map_err(|at| mismatch(at, text))?;
        let Some((_, part, spelling, after)) = next else {
            if !rest.is_empty() {
                return Err(bad(format!("extra text: {}", quote(rest))));
            }
            break;
        };
        layout_rest = after;
        let held = rest;
        match read(part, &mut fields, &mut rest, layout_rest) {
            Ok(None) => {}
            Ok(Some(range)) => return Err(bad(format!("{range} out of range"))),
            Err(Misfit) => return Err(mismatch(held, spelling)),
        }
    }
    finish(fields).map_err(|range| bad(format!("{range} out of range")))
}

/// Takes the layout's text off the value; where the layout has spaces the value may have any number of them.
fn skip<'v>(mut value: &'v str, mut text: &str) -> Result<&'v str, &'v str> {
    while let Some(c) = text.chars().next() {
        if c == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            text = text.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(c).ok_or(value)?;
        text = &text[c.len_utf8()..];
    }
    Ok(value)
}

/// Reads one piece. `Ok(Some(what))` says that it is out of its range.
fn read(
    part: Part,
    fields: &mut Fields,
    rest: &mut &str,
    after: &str,
) -> Result<Option<&'static str>, Misfit> {
    let check = |ok: bool, what| Ok(if ok { None } else { Some(what) });
    match part {
        Part::Year => {
            let year = take_digits(rest, 2)?;
            fields.year = if year >= 69 { year + 1900 } else { year + 2000 };
        }
        Part::LongYear => fields.year = take_digits(rest, 4)?,
        Part::Month => fields.month = Some(name(rest, &MONTHS, Some(3))?),
        Part::LongMonth => fields.month = Some(name(rest, &MONTHS, None)?),
        Part::NumMonth | Part::ZeroMonth => {
            let month = number(rest, part == Part::ZeroMonth)?;
            fields.month = Some(month);
            return check((1..=12).contains(&month), "month");
        }
        Part::Weekday => drop(name(rest, &WEEKDAYS, Some(3))?),
        Part::LongWeekday => drop(name(rest, &WEEKDAYS, None)?),
        Part::Day | Part::UnderDay | Part::ZeroDay => {
            if part == Part::UnderDay {
                *rest = rest.strip_prefix(' ').unwrap_or(rest);
            }
            fields.day = Some(number(rest, part == Part::ZeroDay)?);
        }
        Part::UnderYearDay | Part::ZeroYearDay => {
            if part == Part::UnderYearDay {
                for _ in 0..2 {
                    *rest = rest.strip_prefix(' ').unwrap_or(rest);
                }
            }
            let count = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
            if count == 0 || (part == Part::ZeroYearDay && count != 3) {
                return Err(Misfit);
            }
            fields.year_day = Some(take_digits(rest, count)?);
        }
        Part::Hour => {
            fields.hour = number(rest, false)?;
            return check(fields.hour < 24, "hour");
        }
        Part::Hour12 | Part::ZeroHour12 => {
            fields.hour = number(rest, part == Part::ZeroHour12)?;
            return check(fields.hour <= 12, "hour");
        }
        Part::Minute | Part::ZeroMinute => {
            fields.minute = number(rest, part == Part::ZeroMinute)?;
            return check(fields.minute < 60, "minute");
        }
        Part::Second | Part::ZeroSecond => {
            fields.second = number(rest, part == Part::ZeroSecond)?;
            if fields.second >= 60 {
                return Ok(Some("second"));
            }
            // A fraction may follow even if the layout has none.
            let layout_has = matches!(
                layout::next(after),
                Some(("", Part::FractionZero(..) | Part::FractionNine(..), ..))
            );
            if !layout_has && rest.starts_with(['.', ',']) && digit_at(rest, 1) {
                let count = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                fields.nanos = take_fraction(rest, count);
            }
        }
        Part::UpperPm | Part::LowerPm => {
            let (am, pm) = if part == Part::UpperPm {
                ("AM", "PM")
            } else {
                ("am", "pm")
            };
            fields.pm = Some(rest.starts_with(pm));
            if !rest.starts_with(am) && !rest.starts_with(pm) {
                return Err(Misfit);
            }
            *rest = &rest[2..];
        }
        Part::Offset { z: true, .. } if rest.starts_with('Z') => {
            *rest = &rest[1..];
            fields.utc = true;
        }
        Part::Offset { parts, colons, .. } => return read_offset(fields, rest, parts, colons),
        Part::ZoneName => match rest.strip_prefix("UTC") {
            Some(after) => {
                fields.utc = true;
                *rest = after;
            }
            None => {
                let length = zone_name(rest).ok_or(Misfit)?;
                let (name, after) = rest.split_at(length);
                fields.zone_name = name.to_owned();
                *rest = after;
            }
        },
        Part::FractionZero(digits, _) => {
            let body = rest.strip_prefix(['.', ',']).ok_or(Misfit)?;
            if body.bytes().take(digits).filter(u8::is_ascii_digit).count() < digits {
                return Err(Misfit);
            }
            fields.nanos = take_fraction(rest, digits);
        }
        Part::FractionNine(..) => {
            if rest.starts_with(['.', ',']) && digit_at(rest, 1) {
                let count = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                fields.nanos = take_fraction(rest, count);
            }
        }
    }
    Ok(None)
}

fn read_offset(
    fields: &mut Fields,
    rest: &mut &str,
    parts: u8,
    colons: bool,
) -> Result<Option<&'static str>, Misfit> {
    let negative = match rest.bytes().next() {
        Some(b'+') => false,
        Some(b'-') => true,
        _ => return Err(Misfit),
    };
    let mut body = &rest[1..];
    let mut values = [0, 0, 0];
    for (i, value) in values.iter_mut().take(usize::from(parts) + 1).enumerate() {
        if i > 0 && colons {
            body = body.strip_prefix(':').ok_or(Misfit)?;
        }
        if !(digit_at(body, 0) && digit_at(body, 1)) {
            return Err(Misfit);
        }
        *value = take_digits(&mut body, 2)?;
    }
    *rest = body;
    let [hours, minutes, seconds] = values;
    if hours > 24 {
        return Ok(Some("time zone offset hour"));
    }
    if minutes > 60 {
        return Ok(Some("time zone offset minute"));
    }
    if seconds > 60 {
        return Ok(Some("time zone offset second"));
    }
    let offset = (hours * 60 + minutes) * 60 + seconds;
    fields.offset = Some(if negative { -offset } else { offset });
    Ok(None)
}

fn finish(mut fields: Fields) -> Result<Time, &'static str> {
    match fields.pm {
        Some(true) if fields.hour < 12 => fields.hour += 12,
        Some(false) if fields.hour == 12 => fields.hour = 0,
        _ => {}
    }
    if let Some(year_day) = fields.year_day {
        if year_day < 1 || year_day > 365 + i64::from(is_leap(fields.year)) {
            return Err("day-of-year");
        }
        let start = Date {
            year: fields.year,
            month: 1,
            day: 1,
        }
        .to_days();
        let date = Date::from_days(start + year_day - 1);
        if fields.month.is_some_and(|month| month != date.month) {
            return Err("day-of-year does not match month");
        }
        if fields.day.is_some_and(|day| day != date.day) {
            return Err("day-of-year does not match day");
        }
        (fields.month, fields.day) = (Some(date.month), Some(date.day));
    }
    let (month, day) = (fields.month.unwrap_or(1), fields.day.unwrap_or(1));
    if day < 1 || day > days_in_month(fields.year, month) {
        return Err("day");
    }
    let zone = match fields.offset {
        _ if fields.utc => Zone::Utc,
        Some(0) => Zone::Utc,
        Some(offset) => Zone::fixed(offset, &fields.zone_name),
        None if fields.zone_name.is_empty() => Zone::Utc,
        None => {
            let hours = fields
                .zone_name
                .strip_prefix("GMT")
                .and_then(|sign| sign.parse::<i64>().ok());
            Zone::fixed(hours.unwrap_or(0) * 3600, &fields.zone_name)
        }
    };
    let of_day = fields.hour * 3600 + fields.minute * 60 + fields.second;
    Ok(Time::from_clock(
        Date {
            year: fields.year,
            month,
            day,
        },
        of_day,
        fields.nanos,
        zone,
    ))
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn take_digits(rest: &mut &str, count: usize) -> Result<i64, Misfit> {
    let (digits, after) = rest.split_at_checked(count).ok_or(Misfit)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Misfit);
    }
    *rest = after;
    digits.parse().map_err(|_| Misfit)
}

/// One or two digits; two if it is `fixed`.
fn number(rest: &mut &str, fixed: bool) -> Result<i64, Misfit> {
    match (digit_at(rest, 0), digit_at(rest, 1)) {
        (true, true) => take_digits(rest, 2),
        (true, false) if !fixed => take_digits(rest, 1),
        _ => Err(Misfit),
    }
}

/// The separator and so many digits after it, as nanoseconds.
fn take_fraction(rest: &mut &str, count: usize) -> u32 {
    let (digits, after) = rest[1..].split_at(count);
    *rest = after;
    format!("{digits:0<9}")[..9].parse().unwrap_or(0)
}

/// A name of the table at the start, in any case; its number from 1.
fn name(rest: &mut &str, table: &[&str], length: Option<usize>) -> Result<i64, Misfit> {
    for (i, name) in table.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if let Some((head, after)) = rest.split_at_checked(name.len())
            && head.eq_ignore_ascii_case(name)
        {
            *rest = after;
            return Ok(i as i64 + 1);
        }
    }
    Err(Misfit)
}

/// How long the abbreviation of a zone at the start is.
fn zone_name(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(sign) = text.strip_prefix("GMT") {
        return Some(3 + signed_hours(sign));
    }
    if matches!(bytes[0], b'+' | b'-') {
        return Some(signed_hours(text)).filter(|length| *length > 0);
    }
    match bytes
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count()
    {
        5 if bytes[4] == b'T' => Some(5),
        4 if bytes[3] == b'T' || text.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of a sign and hours up to 23.
fn signed_hours(text: &str) -> usize {
    if !text.starts_with(['+', '-']) {
        return 0;
    }
    let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
    match text[1..=digits].parse::<u32>() {
        Ok(hours) if hours <= 23 => digits + 1,
        _ => 0,
    }
}
