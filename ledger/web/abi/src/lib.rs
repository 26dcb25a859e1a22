//! The verifier as a WebAssembly module without imports.
//!
//! Whoever calls writes options and file into the room that [`options()`] and [`file()`] give, calls
//! [`verify()`], and reads as many bytes at [`report()`] as it says. All memory stays owned here, and
//! no pointer that comes in is ever followed: a caller who miscounts reads or writes its own copy
//! of this module's memory, and nobody else's.
#![expect(
    unsafe_code,
    reason = "an export has a name that the linker must keep: that is all"
)]

use std::cell::RefCell;

/// Bytes of options: a trust file, a checkpoint, an entry, a code, two numbers.
const OPTIONS_BYTES_MAX: usize = 256 * 1024;

thread_local! {
    static OPTIONS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static FILE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static REPORT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for `len` bytes, or null where that is more than `len_max`.
fn room(buffer: &RefCell<Vec<u8>>, len: usize, len_max: usize) -> *mut u8 {
    let mut buffer = buffer.borrow_mut();
    if len > len_max {
        return std::ptr::null_mut();
    }
    buffer.clear();
    buffer.resize(len, 0);
    buffer.as_mut_ptr()
}

/// The longest file that is worth handing over, bytes: one more than the largest that can verify,
/// so that it is refused by its name.
#[unsafe(no_mangle)]
pub extern "C" fn file_bytes_max() -> usize {
    ledger_web::FILE_BYTES_MAX
}

/// Room for `len` bytes of options (JSON, [`ledger_web::Options`]); null if that is too much.
#[unsafe(no_mangle)]
pub extern "C" fn options(len: usize) -> *mut u8 {
    OPTIONS.with(|buffer| room(buffer, len, OPTIONS_BYTES_MAX))
}

/// Room for a file of `len` bytes; null if that is more than [`file_bytes_max()`].
#[unsafe(no_mangle)]
pub extern "C" fn file(len: usize) -> *mut u8 {
    FILE.with(|buffer| room(buffer, len, ledger_web::FILE_BYTES_MAX))
}

/// Verifies what was written, and returns the report's length in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn verify() -> usize {
    let report =
        OPTIONS.with_borrow(|options| FILE.with_borrow(|file| ledger_web::verify(options, file)));
    REPORT.with_borrow_mut(|buffer| {
        *buffer = report;
        buffer.len()
    })
}

/// Where the report is: JSON, [`ledger_web::Report`]. Good until the next [`verify()`].
#[unsafe(no_mangle)]
pub extern "C" fn report() -> *const u8 {
    REPORT.with_borrow(Vec::as_ptr)
}
