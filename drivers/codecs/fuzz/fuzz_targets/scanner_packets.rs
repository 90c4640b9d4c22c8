//! Any bytes as OEM reports, SSI packets and single-cable lines: bounded, no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::scale::Unit;
use shelf_codecs::scanner::magellan::MagellanDecoder;
use shelf_codecs::scanner::oem::OemDecoder;
use shelf_codecs::scanner::ssi::SsiDecoder;

fuzz_target!(|input: &[u8]| {
    let mut oem = OemDecoder::new();
    for (now_ms, report) in (0..).step_by(700).zip(input.chunks(64)) {
        oem.push(report, now_ms);
    }
    let mut ssi = SsiDecoder::new();
    ssi.push(input);
    ssi.silence();
    let mut magellan = MagellanDecoder::new(Unit::Pound);
    magellan.push(input);
    magellan.flush_idle();
    assert!(oem.count() + ssi.count() + magellan.count() <= 4 * input.len() + 4);
});
