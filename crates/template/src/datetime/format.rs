//! A time as text, by a layout.

use super::civil::{MONTHS, WEEKDAYS};
use super::layout::{self, Part};
use super::time::Time;

impl Time {
    /// `Time.Format`.
    pub(crate) fn format(&self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        let clock = self.clock();
        while let Some((text, part, _, after)) = layout::next(rest) {
            out.push_str(text);
            rest = after;
            let date = clock.date;
            let hour12 = if clock.hour % 12 == 0 {
                12
            } else {
                clock.hour % 12
            };
            let month = MONTHS[(date.month - 1) as usize];
            let weekday = WEEKDAYS[clock.weekday as usize];
            out.push_str(&match part {
                Part::Year => format!("{:02}", date.year.rem_euclid(100)),
                Part::LongYear if date.year < 0 => format!("-{:04}", -date.year),
                Part::LongYear => format!("{:04}", date.year),
                Part::Month => month[..3].to_owned(),
                Part::LongMonth => month.to_owned(),
                Part::NumMonth => date.month.to_string(),
                Part::ZeroMonth => format!("{:02}", date.month),
                Part::Weekday => weekday[..3].to_owned(),
                Part::LongWeekday => weekday.to_owned(),
                Part::Day => date.day.to_string(),
                Part::UnderDay => format!("{:2}", date.day),
                Part::ZeroDay => format!("{:02}", date.day),
                Part::UnderYearDay => format!("{:3}", date.day_of_year()),
                Part::ZeroYearDay => format!("{:03}", date.day_of_year()),
                Part::Hour => format!("{:02}", clock.hour),
                Part::Hour12 => hour12.to_string(),
                Part::ZeroHour12 => format!("{hour12:02}"),
                Part::Minute => clock.minute.to_string(),
                Part::ZeroMinute => format!("{:02}", clock.minute),
                Part::Second => clock.second.to_string(),
                Part::ZeroSecond => format!("{:02}", clock.second),
                Part::UpperPm => if clock.hour >= 12 { "PM" } else { "AM" }.to_owned(),
                Part::LowerPm => if clock.hour >= 12 { "pm" } else { "am" }.to_owned(),
                Part::Offset { z: true, .. } if clock.offset == 0 => "Z".to_owned(),
                Part::Offset { parts, colons, .. } => offset_text(clock.offset, parts, colons),
                Part::ZoneName if !clock.zone.is_empty() => clock.zone.clone(),
                // Without a name the distance stands in.
                Part::ZoneName => offset_text(clock.offset, 1, false),
                Part::FractionZero(digits, separator) => {
                    format!("{separator}{}", fraction(self.nanos(), digits))
                }
                Part::FractionNine(digits, separator) => {
                    let digits = fraction(self.nanos(), digits);
                    let digits = digits.trim_end_matches('0');
                    if digits.is_empty() {
                        String::new()
                    } else {
                        format!("{separator}{digits}")
                    }
                }
            });
        }
        out.push_str(rest);
        out
    }

    /// RFC 3339 with as many digits of the second as it has, which is how JSON shows a time.
    pub(crate) fn rfc3339_nano(&self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }
}

fn offset_text(offset: i64, parts: u8, colons: bool) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let seconds = offset.abs();
    let colon = if colons { ":" } else { "" };
    let mut out = format!("{sign}{:02}", seconds / 3600);
    if parts >= 1 {
        out.push_str(&format!("{colon}{:02}", seconds / 60 % 60));
    }
    if parts >= 2 {
        out.push_str(&format!("{colon}{:02}", seconds % 60));
    }
    out
}

fn fraction(nanos: u32, digits: usize) -> String {
    let all = format!("{nanos:09}");
    // Not Rust's own padding: a layout may ask for more digits than that one takes.
    let mut text = all[..digits.min(9)].to_owned();
    text.extend(std::iter::repeat_n('0', digits.saturating_sub(9)));
    text
}
