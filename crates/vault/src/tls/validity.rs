//! The two dates of a certificate, read from its DER form.

/// `(not before, not after)` in seconds since 1970; `None` when the bytes are no certificate.
pub(super) fn of(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, certificate, _) = element(certificate)?;
    let (_, body, _) = element(certificate)?;
    let mut rest = body;
    // An explicit version comes first (tag 0xa0) in all but version 1; then serial, algorithm, issuer.
    let mut skip = if rest.first() == Some(&0xa0) { 4 } else { 3 };
    while skip > 0 {
        rest = element(rest)?.2;
        skip -= 1;
    }
    let (_, dates, _) = element(rest)?;
    let (tag, from, rest) = element(dates)?;
    let from = time(tag, from)?;
    let (tag, to, _) = element(rest)?;
    Some((from, time(tag, to)?))
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
            let year: i64 = text.get(..2)?.parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                text.get(2..)?,
            )
        }
        0x18 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let days = crate::calendar::days_from_civil(year, part(0)?, part(2)?);
    let seconds = days * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
    u64::try_from(seconds).ok()
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
            assert_eq!(of(bytes), None);
        }
    }
}
