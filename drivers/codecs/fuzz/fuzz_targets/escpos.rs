//! Any print stream: bounded, no panic, the same however it is cut, no long number readable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::escpos::{CodePage, Dialect, TeeDecoder, TeeItem};

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let decode = |size: usize| -> Vec<TeeItem> {
        let mut tee = TeeDecoder::new(Dialect::Epson, CodePage::Cp437);
        bytes.chunks(size).for_each(|piece| tee.push(piece));
        tee.flush_idle();
        tee.collect()
    };
    let whole = decode(usize::MAX);
    assert_eq!(decode(usize::from(cut).max(1)), whole);
    for item in whole {
        if let TeeItem::Line(line) = item {
            let digits = |c: &[u8]| c.iter().all(u8::is_ascii_digit);
            assert!(!line.as_bytes().windows(15).any(digits), "{line}");
        }
    }
});
