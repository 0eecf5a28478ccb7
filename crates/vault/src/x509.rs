//! The few facts of an X.509 certificate that are needed here, read from its DER form (RFC 5280, section 4.1).

use crate::calendar;

/// `(not before, not after)` in seconds since 1970; `None` when the bytes are no certificate.
#[must_use]
pub fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, dates, _) = element(from_validity(certificate)?)?;
    let (tag, from, rest) = element(dates)?;
    let from = time(tag, from)?;
    let (tag, to, _) = element(rest)?;
    Some((from, time(tag, to)?))
}

/// Whether the certificate may sign others: its basic constraints say so.
#[must_use]
pub fn is_ca(certificate: &[u8]) -> bool {
    constraints(certificate).is_some_and(|constraints| constraints.starts_with(&[0x01, 0x01, 0xff]))
}

/// The content of the basic constraints, if there are any.
fn constraints(certificate: &[u8]) -> Option<&[u8]> {
    const OID: &[u8] = &[0x55, 0x1d, 0x13];
    let mut rest = from_validity(certificate)?;
    // Dates, subject, key, then perhaps unique identifiers; the extensions are explicit number 3.
    let mut extensions = loop {
        let (tag, content, after) = element(rest)?;
        if tag == 0xa3 {
            break element(content)?.1;
        }
        rest = after;
    };
    loop {
        let (_, extension, after) = element(extensions)?;
        let (_, oid, value) = element(extension)?;
        if oid == OID {
            let (tag, content, value) = element(value)?;
            // A boolean in between says whether the extension is critical.
            let octets = if tag == 0x01 {
                element(value)?.1
            } else {
                content
            };
            return Some(element(octets)?.1);
        }
        extensions = after;
    }
}

/// The certificate's body from its dates on.
fn from_validity(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(certificate)?;
    let (_, body, _) = element(certificate)?;
    let mut rest = body;
    // An explicit version comes first (tag 0xa0) in all but version 1; then serial, algorithm, issuer.
    let mut skip = if rest.first() == Some(&0xa0) { 4 } else { 3 };
    while skip > 0 {
        rest = element(rest)?.2;
        skip -= 1;
    }
    Some(rest)
}

/// One DER element: tag, content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        (
            digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit)),
            rest,
        )
    };
    (length <= rest.len()).then(|| {
        let (content, rest) = rest.split_at(length);
        (tag, content, rest)
    })
}

/// `UTCTime` (`YYMMDDHHMMSSZ`, 1950 to 2049) or `GeneralizedTime` (`YYYYMMDDHHMMSSZ`).
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        0x17 => {
            let year: i16 = text.get(..2)?.parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                text.get(2..)?,
            )
        }
        0x18 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse().ok();
    calendar::unix_seconds(year, [part(0)?, part(2)?, part(4)?, part(6)?, part(8)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_time() {
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        assert_eq!(time(0x17, b"260101000000Z"), Some(1_767_225_600));
        assert_eq!(time(0x18, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(0x18, b"2050"), None);
        assert_eq!(time(0x18, b"20501301000000Z"), None);
        assert!(time(0x18, b"99991231235959Z") > time(0x18, b"99990101000000Z"));
        assert_eq!(time(0x04, b"20500101000000Z"), None);
    }

    #[test]
    fn broken_bytes_are_no_certificate() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x85\0\0\0\0\0",
            b"\x30\x05\x30\x03\x02\x01\x01",
        ] {
            assert_eq!(validity(bytes), None);
            assert!(!is_ca(bytes));
        }
    }

    #[test]
    fn tells_an_authority_from_others() {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
        let key = KeyPair::generate().expect("a key");
        for (is_ca_wanted, form) in [
            (false, IsCa::NoCa),
            (false, IsCa::ExplicitNoCa),
            (true, IsCa::Ca(BasicConstraints::Unconstrained)),
            (true, IsCa::Ca(BasicConstraints::Constrained(1))),
        ] {
            let mut params = CertificateParams::new(vec!["a".to_owned()]).expect("a name");
            params.is_ca = form;
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = rcgen::date_time_ymd(2050, 1, 1);
            let certificate = params.self_signed(&key).expect("a certificate");
            assert_eq!(is_ca(certificate.der()), is_ca_wanted);
            assert_eq!(
                validity(certificate.der()),
                Some((1_767_225_600, 2_524_608_000))
            );
        }
    }
}
