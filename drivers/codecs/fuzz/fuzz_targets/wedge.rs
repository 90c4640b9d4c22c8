//! Any key events: bounded, no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_codecs::scanner::wedge::{KeyEvent, WedgeConfig, WedgeDecoder};

fuzz_target!(|input: &[u8]| {
    let config = WedgeConfig { layout: KeyboardLayout::De, ..WedgeConfig::default() };
    let mut decoder = WedgeDecoder::new(config);
    for &b in input {
        decoder.push(KeyEvent { code: u16::from(b & 0x7F), pressed: b & 0x80 == 0 });
    }
    decoder.flush_idle();
    while decoder.next().is_some() {}
});
