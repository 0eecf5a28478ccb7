//! The functions under the names that compilers call.
#![expect(unsafe_code, reason = "C's functions on raw memory")]
#![expect(unreachable_pub, reason = "the linker reaches them, by name")]

use crate::x86_64;

/// C's `memcpy`.
///
/// # Safety
///
/// `n` bytes can be read at `from` and written at `to`, and the two do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { x86_64::copy(to, from, n) };
    to
}

/// C's `memmove`.
///
/// # Safety
///
/// `n` bytes can be read at `from` and written at `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { x86_64::shift(to, from, n) };
    to
}

/// C's `memset`.
///
/// # Safety
///
/// `n` bytes can be written at `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise. Of the number only the lowest byte counts, as in C.
    unsafe { x86_64::fill(to, byte as u8, n) };
    to
}

/// C's `memcmp`.
///
/// # Safety
///
/// `n` bytes can be read at both places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, n: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { x86_64::compare(left, right, n) }
}

/// BSD's `bcmp`: zero exactly when both are equal.
///
/// # Safety
///
/// `n` bytes can be read at both places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, n: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { x86_64::compare(left, right, n) }
}
