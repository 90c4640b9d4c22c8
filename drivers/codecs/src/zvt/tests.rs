//! The examples of the reference byte for byte, every bit flipped, random packets in random fragments,
//! arbitrary bytes, and that no card number survives the decoder.

mod card_data;
mod examples;
mod random;

use super::{Apdu, Item, Packet, TcpDecoder};

/// Bytes of a hex text with blanks.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

/// The only unit in `stream`.
pub(super) fn unit(stream: &[u8]) -> Apdu {
    let mut decoder = TcpDecoder::new();
    decoder.push(stream);
    let Some(Item::Apdu(apdu)) = decoder.next_item() else {
        panic!("no unit in {stream:02X?}")
    };
    assert_eq!(decoder.next_item(), None);
    apdu
}

/// The only packet in `stream`.
pub(super) fn packet(stream: &[u8]) -> Packet {
    Packet::read(&unit(stream)).unwrap()
}
