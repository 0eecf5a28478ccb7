//! Randomness of the TLS library, for jitter, file names and keys; no second generator in the program.

use std::sync::OnceLock;

use rustls::crypto::SecureRandom;

/// Fills the buffer with random bytes fit for keys.
///
/// # Panics
///
/// When the kernel refuses randomness; nothing that follows could be safe.
pub fn fill(buffer: &mut [u8]) {
    static SOURCE: OnceLock<&'static dyn SecureRandom> = OnceLock::new();
    SOURCE
        .get_or_init(|| rustls::crypto::ring::default_provider().secure_random)
        .fill(buffer)
        .expect("the kernel gives random bytes");
}

/// A number uniform in `[0, 1)`.
#[must_use]
pub fn unit() -> f64 {
    let mut bytes = [0; 4];
    fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
