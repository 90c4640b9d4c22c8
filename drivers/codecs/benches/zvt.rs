//! How many ZVT frames of a payment are cut, checked and read in a second, over TCP and over a
//! serial line, with everything of the cardholder reduced on the way.
//!
//! Prints one JSON line per case, median of the rounds; asserts nothing, for a bench that fails
//! on a busy machine is turned off. Run with `cargo bench -p shelf-codecs --bench zvt`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints its result"
)]

use std::hint::black_box;
use std::time::Instant;

use shelf_codecs::zvt::{
    Amount, CardTail, Completion, IntermediateStatus, Item, Packet, SerialDecoder, SerialItem,
    StatusInformation, TcpDecoder, TerminalDate, TerminalTime, TextBlock, encode_serial,
};

const ROUNDS: usize = 9;
const PAYMENTS: usize = 20_000;
/// Bytes come in pieces of this size, as a socket or an adapter gives them.
const SEGMENT_BYTES: usize = 64;

/// What a terminal sends while a card is paid with.
fn payment() -> Vec<Packet> {
    let status = |code| {
        Packet::IntermediateStatus(IntermediateStatus {
            code,
            timeout_minutes: None,
            lines: vec!["Bitte warten".to_owned()],
        })
    };
    let paid = StatusInformation {
        result_code: Some(0),
        amount: Amount::new(1234),
        trace: Some(815),
        time: Some(TerminalTime {
            hour: 14,
            minute: 30,
            second: 5,
        }),
        date: Some(TerminalDate { month: 11, day: 21 }),
        card: CardTail::new(1234),
        terminal_id: Some(12_345_678),
        currency: Some(978),
        receipt: Some(42),
        ..StatusInformation::default()
    };
    let receipt = TextBlock {
        receipt_type: Some(2),
        lines: vec!["Kundenbeleg".to_owned(), "PAN ############1234".to_owned()],
    };
    vec![
        Packet::Acknowledge,
        status(0x0A),
        status(0x17),
        Packet::StatusInformation(Box::new(paid)),
        Packet::PrintTextBlock(receipt),
        Packet::Completion(Completion::default()),
    ]
}

fn report(name: &str, frames: usize, mut work: impl FnMut() -> usize) {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let read = black_box(work());
            assert_eq!(read, frames, "every frame is read");
            f64::from(u32::try_from(read).unwrap_or(u32::MAX)) / start.elapsed().as_secs_f64() / 1e6
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    println!(
        r#"{{"bench":"{name}","unit":"M frames/s","median":{median:.3},"min":{low:.3},"max":{high:.3},"rounds":{ROUNDS},"per_round":{frames}}}"#
    );
}

fn main() {
    let packets = payment();
    let frames = packets.len() * PAYMENTS;
    let tcp: Vec<u8> = packets.iter().flat_map(Packet::encode).collect();
    report("zvt_tcp_frames", frames, || {
        let mut decoder = TcpDecoder::new();
        let mut read = 0;
        for _ in 0..PAYMENTS {
            for piece in tcp.chunks(SEGMENT_BYTES) {
                decoder.push(black_box(piece));
                while let Some(Item::Apdu(apdu)) = decoder.next_item() {
                    read += usize::from(Packet::read(&apdu).is_ok());
                }
            }
        }
        read
    });
    let serial: Vec<u8> = packets
        .iter()
        .flat_map(|it| encode_serial(&it.to_apdu()))
        .collect();
    report("zvt_serial_frames", frames, || {
        let mut decoder = SerialDecoder::new();
        let mut read = 0;
        for _ in 0..PAYMENTS {
            for piece in serial.chunks(SEGMENT_BYTES) {
                decoder.push(black_box(piece));
                while let Some(SerialItem::Apdu(apdu)) = decoder.next_item() {
                    read += usize::from(Packet::read(&apdu).is_ok());
                }
            }
        }
        read
    });
}
