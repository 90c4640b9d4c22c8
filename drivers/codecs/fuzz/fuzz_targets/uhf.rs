//! Any bytes on the line of a serial RFID reader: the result doesn't depend on how they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::uhf::{UhfDecoder, Wire, chafon, indy, m100, nur, thingmagic};

fn decode<W: Wire>(bytes: &[u8], step: usize) -> Vec<String>
where
    W::Frame: std::fmt::Debug,
{
    let mut decoder = UhfDecoder::<W>::new();
    let mut items = Vec::new();
    for chunk in bytes.chunks(step) {
        decoder.push(chunk);
        items.extend((&mut decoder).map(|item| format!("{item:?}")));
    }
    decoder.flush_idle();
    items.extend(decoder.map(|item| format!("{item:?}")));
    items
}

fn check<W: Wire>(bytes: &[u8], cut: usize)
where
    W::Frame: std::fmt::Debug,
{
    assert_eq!(decode::<W>(bytes, cut), decode::<W>(bytes, usize::MAX));
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let cut = usize::from(cut).max(1);
    check::<chafon::FromReader>(bytes, cut);
    check::<m100::Line>(bytes, cut);
    check::<indy::Line>(bytes, cut);
    check::<thingmagic::FromReader>(bytes, cut);
    check::<nur::Line>(bytes, cut);
});
