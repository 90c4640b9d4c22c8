//! Any bytes from a card terminal, over TCP and over a serial line: bounded, no panic, the same
//! however they are cut, and whatever was read can be said again with the same meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::zvt::{Apdu, Item, Packet, SerialDecoder, SerialItem, TcpDecoder};

/// What is read of a unit, and of the same said again: reduced once, it stays as it is.
fn read(apdu: &Apdu) {
    let Ok(packet) = Packet::read(apdu) else { return };
    if matches!(packet, Packet::Unknown { .. }) {
        return;
    }
    let again = Packet::read(&packet.to_apdu());
    if let Ok(Packet::Unknown { .. }) = again {
        panic!("{packet:?} is written as nothing that is known");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_first() else { return };
    let tcp = |size: usize| -> Vec<Item> {
        let mut decoder = TcpDecoder::new();
        let mut items = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.push(piece);
            items.extend(std::iter::from_fn(|| decoder.next_item()));
        }
        let _cut_off = decoder.finish();
        items
    };
    for item in tcp(usize::from(cut).max(1)) {
        if let Item::Apdu(apdu) = item {
            read(&apdu);
        }
    }
    let serial = |size: usize| -> Vec<SerialItem> {
        let mut decoder = SerialDecoder::new();
        let mut items = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.push(piece);
            items.extend(std::iter::from_fn(|| decoder.next_item()));
        }
        decoder.silence();
        items.extend(std::iter::from_fn(|| decoder.next_item()));
        items
    };
    let whole = serial(bytes.len().max(1));
    assert_eq!(serial(usize::from(cut).max(1)), whole);
    for item in whole {
        if let SerialItem::Apdu(apdu) = item {
            read(&apdu);
        }
    }
});
