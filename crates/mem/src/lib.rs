//! `memcpy`, `memmove`, `memset`, `memcmp` and `bcmp` for x86-64, in steps of 16 bytes.
//!
//! musl compares byte by byte there and copies with string instructions, which need dozens of cycles to begin with. A review of
//! a pod copies and compares hundreds of short texts, and an eighth of its time went into that. Linked into a program for
//! `x86_64-unknown-linux-musl`, these take the place of musl's, because the linker looks here first; everywhere else
//! they are only there for their tests.
//!
//! All of it is in terms of SSE2, which every x86-64 processor has.
// The compiler must not make calls of these functions out of the loops in them.
#![no_builtins]

#[cfg(all(target_arch = "x86_64", target_env = "musl"))]
mod symbols;
#[cfg(all(target_arch = "x86_64", any(target_env = "musl", test)))]
mod x86_64;
