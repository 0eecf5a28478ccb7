//! Takes a layout of Go apart: `Jan _2 15:04` are pieces that stand for parts of a time, with text between them.

/// What a piece of a layout stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// A distance from universal time.
    Offset {
        /// `Z` stands for no distance.
        z: bool,
        /// Parts after the hours: 0, minutes, minutes and seconds.
        parts: u8,
        colons: bool,
    },
    /// `.000`: so many digits.
    FractionZero(usize, char),
    /// `.999`: up to so many digits, without zeros at the end.
    FractionNine(usize, char),
}

/// The text before the first piece, the piece with its spelling, and what follows; `None` when there is no piece left.
pub(super) fn next(layout: &str) -> Option<(&str, Part, &str, &str)> {
    let bytes = layout.as_bytes();
    for at in 0..bytes.len() {
        if let Some((part, skip, length)) = part_at(layout, at) {
            let start = at + skip;
            return Some((
                &layout[..start],
                part,
                &layout[start..start + length],
                &layout[start + length..],
            ));
        }
    }
    None
}

/// A piece at that place: what it is, how many bytes before it are text, how long it is.
fn part_at(layout: &str, at: usize) -> Option<(Part, usize, usize)> {
    let bytes = &layout.as_bytes()[at..];
    let starts = |text: &str| bytes.starts_with(text.as_bytes());
    let first = |table: &[(&str, Part)]| {
        table
            .iter()
            .find(|(text, _)| starts(text))
            .map(|(text, part)| (*part, 0, text.len()))
    };
    let lower_follows = bytes.get(3).is_some_and(u8::is_ascii_lowercase);
    match bytes[0] {
        b'J' if starts("January") => Some((Part::LongMonth, 0, 7)),
        b'J' if starts("Jan") && !lower_follows => Some((Part::Month, 0, 3)),
        b'M' if starts("Monday") => Some((Part::LongWeekday, 0, 6)),
        b'M' if starts("Mon") && !lower_follows => Some((Part::Weekday, 0, 3)),
        b'M' if starts("MST") => Some((Part::ZoneName, 0, 3)),
        b'0' => first(&[
            ("01", Part::ZeroMonth),
            ("002", Part::ZeroYearDay),
            ("02", Part::ZeroDay),
            ("03", Part::ZeroHour12),
            ("04", Part::ZeroMinute),
            ("05", Part::ZeroSecond),
            ("06", Part::Year),
        ]),
        b'1' => first(&[("15", Part::Hour), ("1", Part::NumMonth)]),
        b'2' => first(&[("2006", Part::LongYear), ("2", Part::Day)]),
        b'_' if starts("_2006") => Some((Part::LongYear, 1, 4)),
        b'_' => first(&[("__2", Part::UnderYearDay), ("_2", Part::UnderDay)]),
        b'3' => Some((Part::Hour12, 0, 1)),
        b'4' => Some((Part::Minute, 0, 1)),
        b'5' => Some((Part::Second, 0, 1)),
        b'P' if starts("PM") => Some((Part::UpperPm, 0, 2)),
        b'p' if starts("pm") => Some((Part::LowerPm, 0, 2)),
        sign @ (b'-' | b'Z') => {
            let forms = [
                ("070000", 2, false),
                ("07:00:00", 2, true),
                ("0700", 1, false),
                ("07:00", 1, true),
                ("07", 0, false),
            ];
            let rest = &bytes[1..];
            forms
                .into_iter()
                .find(|(text, ..)| rest.starts_with(text.as_bytes()))
                .map(|(text, parts, colons)| {
                    (
                        Part::Offset {
                            z: sign == b'Z',
                            parts,
                            colons,
                        },
                        0,
                        text.len() + 1,
                    )
                })
        }
        separator @ (b'.' | b',') => {
            let digit = *bytes.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
            let count = bytes[1..].iter().take_while(|b| **b == digit).count();
            if bytes.get(1 + count).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let separator = char::from(separator);
            let part = if digit == b'0' {
                Part::FractionZero(count, separator)
            } else {
                Part::FractionNine(count, separator)
            };
            Some((part, 0, 1 + count))
        }
        _ => None,
    }
}
