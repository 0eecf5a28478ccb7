//! No stack traces in the program as released.
//!
//! It carries no symbols and no unwind tables, so the trace of a panic could show nothing but numbers. The standard library
//! would still bring along what walks the stack and reads debug information, a twentieth of the whole program. Here its way
//! into the unwinder ends at once; the optimizer, which sees the whole program, then leaves out all that comes behind.
//!
//! The other functions are all that anything refers to, so that nothing of the unwinder is linked.

#![expect(
    unsafe_code,
    reason = "they take the place of the unwinder's functions of these names"
)]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the unwinder's interface.
const END_OF_STACK: c_int = 5;

/// Walks no frame.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(
    _: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    _: *mut c_void,
) -> c_int {
    END_OF_STACK
}

/// What only a running unwinder would call, so nobody does.
macro_rules! never_called {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($(_: $argument),*) -> $result {
            std::process::abort()
        }
    )*};
}

never_called! {
    _Unwind_GetDataRelBase(*mut c_void) -> usize;
    _Unwind_GetIP(*mut c_void) -> usize;
    _Unwind_GetIPInfo(*mut c_void, *mut c_int) -> usize;
    _Unwind_GetLanguageSpecificData(*mut c_void) -> *mut c_void;
    _Unwind_GetRegionStart(*mut c_void) -> usize;
    _Unwind_GetTextRelBase(*mut c_void) -> usize;
    _Unwind_Resume(*mut c_void) -> !;
    _Unwind_SetGR(*mut c_void, c_int, usize) -> ();
    _Unwind_SetIP(*mut c_void, usize) -> ();
}
