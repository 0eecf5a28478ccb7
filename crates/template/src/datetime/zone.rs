//! Time zones, from the database that is built in.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where a time is told.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Universal time, which is local time here, too: a pod has no place.
    Utc,
    /// A fixed distance from universal time in seconds, and its name, which may be empty.
    Fixed(i64, String),
    /// A place of the database.
    Named(String, TimeZone),
}

impl Zone {
    /// `time.LoadLocation`: `""`, `UTC` and `Local` are universal time; `None` for an unknown name.
    pub(crate) fn load(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        TimeZone::get(name)
            .ok()
            .map(|zone| Self::Named(name.to_owned(), zone))
    }

    /// The distance from universal time in seconds at that moment, and the abbreviation.
    pub(super) fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Self::Utc => (0, "UTC".to_owned()),
            Self::Fixed(offset, name) => (*offset, name.clone()),
            Self::Named(_, zone) => {
                // Far beyond the years of the database the last rule would go on; its edge is near enough.
                let limits = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let moment = Timestamp::from_second(seconds.clamp(limits.0, limits.1))
                    .unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(moment);
                (
                    i64::from(info.offset().seconds()),
                    info.abbreviation().to_owned(),
                )
            }
        }
    }

    /// What `Location` prints.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Fixed(_, name) | Self::Named(name, _) => name,
        }
    }
}
