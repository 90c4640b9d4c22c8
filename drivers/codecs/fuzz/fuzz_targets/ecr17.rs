//! Any bytes from an Italian terminal: bounded, no panic, the same however they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::ecr17::{Decoder, Item, LrcMode};

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let decode = |size: usize| -> Vec<Item> {
        let mut decoder = Decoder::new(LrcMode::Std);
        bytes.chunks(size).for_each(|piece| decoder.push(piece));
        decoder.silence();
        decoder.collect()
    };
    let whole = decode(usize::MAX);
    assert_eq!(decode(usize::from(cut).max(1)), whole);
    for item in whole {
        if let Item::Message(payload) = item {
            let _read = (payload.request(), payload.response());
        }
    }
});
