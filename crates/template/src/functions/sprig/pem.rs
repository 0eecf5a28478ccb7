//! PEM text, and the few shells of DER that private keys come in.

use crate::encoding::{Alphabet, base64_decode, base64_encode};

/// The algorithm identifier of RSA keys.
pub(super) const RSA: &[u8] = &[
    0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0,
];
/// The algorithm identifier of keys on the curve P-256.
pub(super) const EC_P256: &[u8] = &[
    0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
];
/// The algorithm identifier of Ed25519 keys.
pub(super) const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// A block of PEM with lines of 64 characters.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = base64_encode(der, Alphabet::Standard);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (i, c) in body.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push_str(&format!("\n-----END {label}-----\n"));
    out
}

/// The first block of PEM in a text: its label and what is in it.
pub(super) fn decode(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    Some((
        label.to_owned(),
        base64_decode(body.as_bytes(), Alphabet::Standard).ok()?,
    ))
}

/// A value of DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// A private key of its own format in the shell of PKCS #8.
pub(super) fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    tagged(0x30, &[&[2, 1, 0], algorithm, &tagged(4, key)].concat())
}

/// The value at the start of DER, and what follows it.
fn first(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, header) = match *der.get(1)? {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7f);
            let bytes = der.get(2..2 + count).filter(|_| count <= 4)?;
            (
                bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)),
                2 + count,
            )
        }
    };
    let content = der.get(header..header + length)?;
    Some((content, &der[header + length..]))
}

/// The key of its own format in the shell of PKCS #8.
pub(super) fn inner_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (body, _) = first(pkcs8)?;
    let (_version, rest) = first(body)?;
    let (_algorithm, rest) = first(rest)?;
    first(rest).map(|(key, _)| key)
}

/// A key of SEC 1 with the name of its curve P-256, which PKCS #8 leaves out since it has it in its shell.
pub(super) fn with_curve(key: &[u8]) -> Vec<u8> {
    let parts = || {
        let (body, _) = first(key)?;
        let (_version, rest) = first(body)?;
        let (_private, rest) = first(rest)?;
        let head = &body[..body.len() - rest.len()];
        let public = if rest.first() == Some(&0xa0) {
            first(rest)?.1
        } else {
            rest
        };
        Some((head, public))
    };
    let Some((head, public)) = parts() else {
        return key.to_vec();
    };
    // The object identifier within the algorithm identifier, from its tag on.
    let curve = tagged(0xa0, &EC_P256[11..]);
    tagged(0x30, &[head, &curve, public].concat())
}
