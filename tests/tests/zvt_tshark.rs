//! Our ZVT frames read by another decoder: Wireshark's dissector agrees on the control field, the
//! amount, the result, the terminal, the card number's tail, trace, time, date and currency of every
//! sample frame. Without `tshark` this test fails: an unchecked format is not a checked one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use shelf_codecs::zvt::{Apdu, Item, Packet, StatusInformation, TcpDecoder};
use shelf_sim::zvt_terminal::sample_frames;
use shelf_tests::dissector::Protocol;

const FIELDS: [&str; 9] = [
    "zvt.control_field",
    "zvt.amount",
    "zvt.result_code",
    "zvt.terminal_id",
    "zvt.card_number",
    "zvt.trace_number",
    "zvt.time",
    "zvt.date",
    "zvt.cc",
];

const ZVT: Protocol = Protocol {
    name: "zvt",
    port: 20007,
    occurrence: 'f',
};

/// One row of field values per frame.
fn dissect(frames: &[(String, Vec<u8>)]) -> Vec<Vec<String>> {
    ZVT.dissect(frames.iter().map(|it| it.1.as_slice()), &FIELDS)
}

fn unit(bytes: &[u8]) -> Apdu {
    let mut decoder = TcpDecoder::new();
    decoder.push(bytes);
    let Some(Item::Apdu(apdu)) = decoder.next_item() else {
        panic!("{bytes:02X?}")
    };
    apdu
}

/// What we read, in the dissector's words; the card number as its last four digits.
fn ours(bytes: &[u8]) -> Vec<String> {
    let apdu = unit(bytes);
    let (class, instruction) = apdu.control();
    let control = match class {
        // The dissector knows answers by their first byte only.
        0x80 | 0x84 => String::new(),
        _ => format!("0x{class:02x}{instruction:02x}"),
    };
    let mut status = StatusInformation::default();
    match Packet::read(&apdu).unwrap() {
        Packet::StatusInformation(read) => status = *read,
        Packet::Authorisation {
            amount, currency, ..
        } => {
            status.amount = Some(amount);
            status.currency = Some(currency);
        }
        Packet::Completion(completion) => {
            status.terminal_id = completion.terminal_id;
            status.currency = completion.currency;
        }
        Packet::Registration(registration) => status.currency = Some(registration.currency),
        Packet::Abort { code } => status.result_code = code,
        _ => {}
    }
    let text = |value: Option<String>| value.unwrap_or_default();
    vec![
        control,
        text(status.amount.map(|a| a.minor().to_string())),
        text(status.result_code.map(|c| format!("0x{c:02x}"))),
        text(status.terminal_id.map(|id| format!("{id:08}"))),
        text(status.card.map(|c| c.to_string())),
        text(status.trace.map(|t| format!("{t:06}"))),
        text(
            status
                .time
                .map(|t| format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second)),
        ),
        text(status.date.map(|d| format!("{:02}/{:02}", d.month, d.day))),
        text(status.currency.map(|c| format!("0x{c:04}"))),
    ]
}

#[test]
fn wireshark_reads_every_frame_as_we_do() {
    let frames = sample_frames();
    let theirs = dissect(&frames);
    assert_eq!(theirs.len(), frames.len(), "a frame was not dissected");
    let mut values = 0;
    for ((name, bytes), mut row) in frames.iter().zip(theirs) {
        let tail = row[4]
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .to_owned();
        row[4] = tail;
        assert_eq!(row, ours(bytes), "{name}: {FIELDS:?} of {bytes:02X?}");
        values += row.iter().filter(|v| !v.is_empty()).count();
    }
    assert!(
        values > 500,
        "the dissector said too little to compare: {values} values"
    );
}

#[test]
fn a_wrong_amount_would_be_noticed() {
    let (name, mut bytes) = sample_frames()
        .into_iter()
        .find(|(n, _)| n == "authorisation 1234")
        .unwrap();
    let expected = ours(&bytes);
    bytes[9] = 0x35;
    assert_ne!(dissect(&[(name, bytes)])[0], expected);
}
