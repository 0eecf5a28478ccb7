//! Memory that is given back holds nothing any more.
//!
//! Tokens and secrets are kept in types that are zeroed when dropped. What reads, decodes and writes them on the way (TLS
//! records, HTTP buffers, texts that grow) frees or moves its memory as it is; so all memory is zeroed here.

use std::alloc::{GlobalAlloc, Layout, System};

use zeroize::optimization_barrier;

/// An allocator with zeroes over everything that is freed.
///
/// Growing goes through the default of [`GlobalAlloc::realloc`]: take new memory, copy, free the old. Moving pages in
/// place would be faster for large blocks, but could leave the old ones as they were.
pub(crate) struct Zeroing<A = System>(pub(crate) A);

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to write; this one hands every call on"
)]
// SAFETY: memory comes from the inner allocator and goes back to it with the layout it was asked for with. Before it goes
// back it is written to, within its size, while it still belongs to the caller.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Zeroing<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: what the caller promises is what the inner allocator asks for.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives up a live block of this layout, so all its bytes may be written.
        unsafe {
            block.write_bytes(0, layout.size());
            // Writes that nobody reads would be left out; this tells the compiler that somebody does.
            optimization_barrier(std::slice::from_raw_parts(block, layout.size()));
            self.0.dealloc(block, layout);
        }
    }
}

#[cfg(test)]
#[expect(unsafe_code, reason = "allocators are unsafe to write and to use")]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Notes what is in a block when it comes back.
    #[derive(Default)]
    struct Looking(RefCell<Vec<(usize, bool)>>);

    // SAFETY: everything is handed on to the system; a block is read before it is freed.
    unsafe impl GlobalAlloc for Looking {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the block is live and was written whole by whoever frees it in these tests.
            unsafe {
                let bytes = std::slice::from_raw_parts(block, layout.size());
                let empty = bytes.iter().all(|byte| *byte == 0);
                self.0.borrow_mut().push((layout.size(), empty));
                System.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn nothing_is_left_in_a_block_that_is_freed_or_outgrown() {
        let allocator = Zeroing(Looking::default());
        let layout = Layout::array::<u8>(100).expect("a small block");
        // SAFETY: each block is used within its size and freed once, with the layout it has by then.
        unsafe {
            let block = allocator.alloc(layout);
            block.write_bytes(0xa5, 100);
            let grown = allocator.realloc(block, layout, 5000);
            assert_eq!(std::slice::from_raw_parts(grown, 100), [0xa5; 100]);
            grown.write_bytes(0xa5, 5000);
            let layout = Layout::array::<u8>(5000).expect("a small block");
            allocator.dealloc(grown, layout);
        }
        let seen = allocator.0.0.into_inner();
        assert_eq!(seen, [(100, true), (5000, true)]);
    }
}
