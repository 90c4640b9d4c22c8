//! Any descriptor and any reports: bounded, no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::scanner::hid_pos::{HidPosDecoder, Layout, descriptor};

fuzz_target!(|input: &[u8]| {
    let mut layouts = Layout::resolve(&descriptor::parse(input), 0x0C2E);
    layouts.push(Layout::HONEYWELL);
    let mut decoder = HidPosDecoder::new(layouts);
    for (now_ms, report) in (0..).step_by(700).zip(input.chunks(64)) {
        decoder.push(report, now_ms);
        while decoder.next().is_some() {}
    }
});
