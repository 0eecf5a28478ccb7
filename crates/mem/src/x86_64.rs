//! The functions themselves. A short piece is loaded whole before any of it is stored, from both of its ends, so that two steps
//! that overlap cover every length between one step and two.
#![expect(unsafe_code, reason = "C's functions on raw memory")]

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_storeu_si128,
};

/// The step.
const WIDE: usize = size_of::<__m128i>();

#[inline(always)]
unsafe fn load(from: *const u8) -> __m128i {
    // SAFETY: the caller can read a step there; the instruction needs no alignment.
    unsafe { _mm_loadu_si128(from.cast()) }
}

#[inline(always)]
unsafe fn store(to: *mut u8, value: __m128i) {
    // SAFETY: the caller can write a step there; the instruction needs no alignment.
    unsafe { _mm_storeu_si128(to.cast(), value) };
}

/// Copies a number of bytes that both ends of a `T` cover.
#[inline(always)]
unsafe fn both_ends<T: Copy>(to: *mut u8, from: *const u8, n: usize) {
    let last = n - size_of::<T>();
    // SAFETY: `n` is at least the size of `T`, and the caller can read and write `n` bytes.
    unsafe {
        let (head, tail) = (
            from.cast::<T>().read_unaligned(),
            from.add(last).cast::<T>().read_unaligned(),
        );
        to.cast::<T>().write_unaligned(head);
        to.add(last).cast::<T>().write_unaligned(tail);
    }
}

/// Copies up to 64 bytes, which may overlap.
#[inline(always)]
unsafe fn short(to: *mut u8, from: *const u8, n: usize) {
    // SAFETY: the caller can read and write `n` bytes, and no step goes beyond them.
    unsafe {
        match n {
            0 => {}
            1 => to.write(from.read()),
            2..=3 => both_ends::<u16>(to, from, n),
            4..=7 => both_ends::<u32>(to, from, n),
            8..=15 => both_ends::<u64>(to, from, n),
            16..=32 => both_ends::<__m128i>(to, from, n),
            _ => {
                let (first, second) = (load(from), load(from.add(WIDE)));
                let third = load(from.add(n - 2 * WIDE));
                let fourth = load(from.add(n - WIDE));
                store(to, first);
                store(to.add(WIDE), second);
                store(to.add(n - 2 * WIDE), third);
                store(to.add(n - WIDE), fourth);
            }
        }
    }
}

/// The longest piece that [`short`] copies.
const SHORT: usize = 4 * WIDE;

/// Copies `n` bytes that do not overlap, or whose target begins below their source.
///
/// # Safety
///
/// `n` bytes can be read at `from` and written at `to`.
#[inline(always)]
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, n: usize) {
    if n <= SHORT {
        // SAFETY: the caller's promise.
        return unsafe { short(to, from, n) };
    }
    // SAFETY: the caller's promise; the last step is loaded before a step below it may overwrite it.
    unsafe {
        let tail = load(from.add(n - WIDE));
        let mut at = 0;
        while at + 2 * WIDE <= n {
            let (first, second) = (load(from.add(at)), load(from.add(at + WIDE)));
            store(to.add(at), first);
            store(to.add(at + WIDE), second);
            at += 2 * WIDE;
        }
        if at + WIDE <= n {
            let value = load(from.add(at));
            store(to.add(at), value);
        }
        store(to.add(n - WIDE), tail);
    }
}

/// Copies `n` bytes that may overlap.
///
/// # Safety
///
/// `n` bytes can be read at `from` and written at `to`.
#[inline(always)]
pub(crate) unsafe fn shift(to: *mut u8, from: *const u8, n: usize) {
    // Also true when `to` lies below `from`: the difference wraps around.
    if n <= SHORT || (to as usize).wrapping_sub(from as usize) >= n {
        // SAFETY: the caller's promise.
        return unsafe { copy(to, from, n) };
    }
    // SAFETY: the caller's promise; the first step is loaded before a step above it may overwrite it.
    unsafe {
        let head = load(from);
        let mut at = n;
        while at >= WIDE {
            at -= WIDE;
            let value = load(from.add(at));
            store(to.add(at), value);
        }
        store(to, head);
    }
}

/// Sets `n` bytes.
///
/// # Safety
///
/// `n` bytes can be written at `to`.
#[inline(always)]
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, n: usize) {
    let eight = u64::from(byte) * 0x0101_0101_0101_0101;
    // SAFETY: the caller can write `n` bytes, and no step goes beyond them.
    unsafe {
        match n {
            0 => {}
            1 => to.write(byte),
            2..=3 => {
                to.cast::<u16>().write_unaligned(eight as u16);
                to.add(n - 2).cast::<u16>().write_unaligned(eight as u16);
            }
            4..=7 => {
                to.cast::<u32>().write_unaligned(eight as u32);
                to.add(n - 4).cast::<u32>().write_unaligned(eight as u32);
            }
            8..=15 => {
                to.cast::<u64>().write_unaligned(eight);
                to.add(n - 8).cast::<u64>().write_unaligned(eight);
            }
            _ => {
                let value = _mm_set1_epi8(byte as i8);
                let mut at = 0;
                while at + WIDE <= n {
                    store(to.add(at), value);
                    at += WIDE;
                }
                store(to.add(n - WIDE), value);
            }
        }
    }
}

/// Below, at or above zero as the first byte that differs is lower, absent or higher at `left`.
///
/// # Safety
///
/// `n` bytes can be read at both places.
#[inline(always)]
pub(crate) unsafe fn compare(left: *const u8, right: *const u8, n: usize) -> i32 {
    let mut at = 0;
    // SAFETY: the caller can read `n` bytes at both places, and no step goes beyond them.
    unsafe {
        while at + WIDE <= n {
            let equal = _mm_cmpeq_epi8(load(left.add(at)), load(right.add(at)));
            let differ = !_mm_movemask_epi8(equal) & 0xFFFF;
            if differ != 0 {
                at += differ.trailing_zeros() as usize;
                return i32::from(left.add(at).read()) - i32::from(right.add(at).read());
            }
            at += WIDE;
        }
        if at + 8 <= n {
            let (a, b) = (
                left.add(at).cast::<u64>().read_unaligned(),
                right.add(at).cast::<u64>().read_unaligned(),
            );
            if a != b {
                return order(a.to_be(), b.to_be());
            }
            at += 8;
        }
        if at + 4 <= n {
            let (a, b) = (
                left.add(at).cast::<u32>().read_unaligned(),
                right.add(at).cast::<u32>().read_unaligned(),
            );
            if a != b {
                return order(a.to_be(), b.to_be());
            }
            at += 4;
        }
        while at < n {
            let (a, b) = (left.add(at).read(), right.add(at).read());
            if a != b {
                return i32::from(a) - i32::from(b);
            }
            at += 1;
        }
    }
    0
}

#[inline(always)]
fn order<T: PartialOrd>(left: T, right: T) -> i32 {
    if left < right { -1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every length around the steps, and some far beyond.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..200).chain([255, 256, 257, 1000, 4096, 4097])
    }

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn every_length_is_copied_and_nothing_around_it() {
        for n in lengths() {
            let from = bytes(n + 2);
            let mut to = vec![0xEE; n + 2];
            // SAFETY: both have `n` bytes behind their first.
            unsafe { copy(to.as_mut_ptr().add(1), from.as_ptr().add(1), n) };
            assert_eq!(to[1..=n], from[1..=n], "{n}");
            assert_eq!((to[0], to[n + 1]), (0xEE, 0xEE), "{n}");
        }
    }

    #[test]
    fn pieces_that_overlap_are_moved_in_both_directions() {
        for n in lengths() {
            for distance in [1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 100] {
                for (from, to) in [(0, distance), (distance, 0)] {
                    let mut memory = bytes(n + distance);
                    let mut expected = memory.clone();
                    expected.copy_within(from..from + n, to);
                    let start = memory.as_mut_ptr();
                    // SAFETY: there are `n` bytes behind both places.
                    unsafe { shift(start.add(to), start.add(from), n) };
                    assert_eq!(memory, expected, "{n} bytes from {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn every_length_is_filled_and_nothing_around_it() {
        for n in lengths() {
            let mut to = vec![0xEE; n + 2];
            // SAFETY: there are `n` bytes behind the first.
            unsafe { fill(to.as_mut_ptr().add(1), 0x5A, n) };
            assert!(to[1..=n].iter().all(|byte| *byte == 0x5A), "{n}");
            assert_eq!((to[0], to[n + 1]), (0xEE, 0xEE), "{n}");
        }
    }

    #[test]
    fn the_first_byte_that_differs_decides() {
        for n in lengths() {
            let left = bytes(n);
            // SAFETY: both are `n` bytes long.
            assert_eq!(unsafe { compare(left.as_ptr(), left.as_ptr(), n) }, 0);
            for at in 0..n.min(70) {
                let mut right = left.clone();
                right[at] = right[at].wrapping_add(1 + (at % 200) as u8);
                if let Some(last) = right.last_mut().filter(|_| at + 1 < n) {
                    *last ^= 0xFF;
                }
                // SAFETY: both are `n` bytes long.
                let found = unsafe { compare(left.as_ptr(), right.as_ptr(), n) };
                assert_eq!(found.signum(), left.cmp(&right) as i32, "{n} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn texts_are_ordered_as_slices_are(mut left in proptest::collection::vec(0..3_u8, 0..80), mut right in proptest::collection::vec(0..3_u8, 0..80)) {
            let n = left.len().min(right.len());
            left.truncate(n);
            right.truncate(n);
            // SAFETY: both are `n` bytes long.
            let found = unsafe { compare(left.as_ptr(), right.as_ptr(), n) };
            prop_assert_eq!(found.signum(), left.cmp(&right) as i32);
        }
    }
}
