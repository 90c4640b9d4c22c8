//! Any bytes as a payload: reading returns, and what was read is packed and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_wire::frame::{FORMAT, pack_for, unpack};

fuzz_target!(|input: &[u8]| {
    let Ok(message) = unpack(input) else { return };
    if let Ok(frame) = pack_for(&message, u32::from(FORMAT)) {
        assert!(unpack(&frame).is_ok());
    }
});
