//! Any bytes on a serial line: the result doesn't depend on how they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::scanner::line::{LineConfig, LineDecoder, LineItem};

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let decode = |step: usize| -> Vec<LineItem> {
        let mut decoder = LineDecoder::new(LineConfig::default());
        bytes.chunks(step).for_each(|chunk| decoder.push(chunk));
        decoder.flush_idle();
        decoder.collect()
    };
    assert_eq!(decode(usize::from(cut).max(1)), decode(usize::MAX));
});
