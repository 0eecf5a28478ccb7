//! Hashes in hexadecimal.

use hmac::{KeyInit, Mac};
use sha2::Digest;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn md5_hex(text: &[u8]) -> String {
    hex(&md5::Md5::digest(text))
}

pub(crate) fn sha1_hex(text: &[u8]) -> String {
    hex(&sha1::Sha1::digest(text))
}

pub(crate) fn sha256_hex(text: &[u8]) -> String {
    hex(&sha2::Sha256::digest(text))
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is allowed, so this cannot fail.
    let Ok(mut mac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(crate) fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex(&hmac_sha256(key, message))
}

/// `adler32.Checksum`.
pub(crate) fn adler32(text: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in text {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}
