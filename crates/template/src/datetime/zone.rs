//! Time zones, from the database that is built in.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where a time is told.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Universal time, which is local time here, too: a pod has no place.
    Utc,
    /// A fixed distance from universal time in seconds, and its name, which may be empty.
    Fixed(Rc<(i64, String)>),
    /// A place of the database.
    Named(Rc<(String, TimeZone)>),
}

impl Zone {
    /// `time.LoadLocation`: `""`, `UTC` and `Local` are universal time; `None` for an unknown name.
    pub(crate) fn load(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Self::Utc);
        }
        TimeZone::get(name)
            .ok()
            .map(|zone| Self::Named(Rc::new((name.to_owned(), zone))))
    }

    /// The distance from universal time in seconds at that moment, and the abbreviation.
    pub(super) fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Self::Utc => (0, "UTC".to_owned()),
            Self::Fixed(fixed) => (fixed.0, fixed.1.clone()),
            Self::Named(named) => {
                // Far beyond the years of the database the last rule would go on; its edge is near enough.
                let limits = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let moment = Timestamp::from_second(seconds.clamp(limits.0, limits.1))
                    .unwrap_or(Timestamp::UNIX_EPOCH);
                let info = named.1.to_offset_info(moment);
                (
                    i64::from(info.offset().seconds()),
                    info.abbreviation().to_owned(),
                )
            }
        }
    }

    /// A fixed distance from universal time in seconds, with a name or `""`.
    pub(crate) fn fixed(offset: i64, name: &str) -> Self {
        Self::Fixed(Rc::new((offset, name.to_owned())))
    }

    /// Whether Go would have one pointer for both: the same place, not merely an equal one. Whole hours without a name are
    /// made once.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Utc, Self::Utc) => true,
            (Self::Fixed(a), Self::Fixed(b)) => {
                let is_shared = a.0 % 3600 == 0 && (-12..=14).contains(&(a.0 / 3600));
                Rc::ptr_eq(a, b) || (a == b && a.1.is_empty() && is_shared)
            }
            (Self::Named(a), Self::Named(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// What `Location` prints.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Fixed(fixed) => &fixed.1,
            Self::Named(named) => &named.0,
        }
    }
}
