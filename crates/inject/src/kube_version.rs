//! The version of Kubernetes that a pod is made for.

use std::fmt;

/// Major and minor number, which is all that decides about features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubeVersion {
    /// The 1 of `1.29`.
    pub major: u32,
    /// The 29 of `1.29`.
    pub minor: u32,
}

impl KubeVersion {
    /// The first version in which an init container may go on running without anything being switched on; see
    /// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>.
    pub const WITH_NATIVE_SIDECARS: Self = Self {
        major: 1,
        minor: 29,
    };

    /// Reads `1.29`, and what servers say of themselves: `v1.29.3`, `1.29+`, `v1.29.3-gke.1282000`. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (major, rest) = text.split_once('.')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (minor, rest) = rest.split_at(end);
        let number = |digits: &str| {
            digits
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| digits.parse().ok())?
        };
        matches!(rest.bytes().next(), None | Some(b'.' | b'+' | b'-')).then_some(())?;
        Some(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_write_them() {
        let table = [
            ("1.29", Some((1, 29))),
            ("v1.20.15", Some((1, 20))),
            ("1.29+", Some((1, 29))),
            ("v1.30.3-gke.1282000", Some((1, 30))),
            ("1.31-alpha.1", Some((1, 31))),
            ("2.0", Some((2, 0))),
            ("", None),
            ("1", None),
            ("v", None),
            ("1.", None),
            (".29", None),
            ("+1.29", None),
            ("1.x", None),
            ("1.29x", None),
            ("1.-29", None),
            ("latest", None),
            ("1.99999999999", None),
        ];
        for (text, expected) in table {
            let read = KubeVersion::parse(text).map(|version| (version.major, version.minor));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let read = |text| KubeVersion::parse(text);
        assert!(read("1.9") < read("1.29"));
        assert!(read("1.28.9") < Some(KubeVersion::WITH_NATIVE_SIDECARS));
        assert!(read("1.29.0") >= Some(KubeVersion::WITH_NATIVE_SIDECARS));
        assert!(read("2.0") > Some(KubeVersion::WITH_NATIVE_SIDECARS));
    }
}
