//! Frames of the public description and constructed ones, in all four modes, however they are cut.

use super::*;
use crate::zvt::{Amount, CardTail};

fn terminal() -> TerminalId {
    TerminalId::new(12_345_678).unwrap()
}

fn register() -> RegisterId {
    RegisterId::new(1).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn items(mode: LrcMode, bytes: &[u8]) -> Vec<Item> {
    let decode = |size: usize| -> Vec<Item> {
        let mut decoder = Decoder::new(mode);
        bytes.chunks(size).for_each(|piece| decoder.push(piece));
        decoder.silence();
        decoder.collect()
    };
    let whole = decode(bytes.len().max(1));
    assert_eq!(whole, decode(1));
    whole
}

fn payment() -> Request {
    Request::Payment {
        amount: Amount::new(650).unwrap(),
        text: String::new(),
    }
}

fn approval() -> Approval {
    Approval {
        card: CardTail::new(1234),
        entry: "ICC".to_owned(),
        authorisation: "A1B2C3".to_owned(),
        host_time: "3251430".to_owned(),
        card_kind: CardKind::Debit,
        stan: Stan::new(815).unwrap(),
    }
}

#[test]
fn the_examples_of_the_description() {
    let status = Request::Status
        .encode(terminal(), register(), LrcMode::Std)
        .unwrap();
    assert_eq!(status, hex("02 31 32 33 34 35 36 37 38 30 73 03 34"));
    assert_eq!(encode_ack(LrcMode::Std), hex("06 03 79"));
    for (mode, lrc) in [
        (LrcMode::Std, 0x25),
        (LrcMode::Stx, 0x24),
        (LrcMode::NoExt, 0x26),
    ] {
        let frame = payment().encode(terminal(), register(), mode).unwrap();
        assert_eq!(
            (frame.len(), frame.last()),
            (167 + 3, Some(&lrc)),
            "{mode:?}"
        );
    }
}

#[test]
fn requests_come_back_in_every_mode() {
    let requests = [
        payment(),
        Request::Reversal {
            stan: Stan::new(42).unwrap(),
        },
        Request::Close,
        Request::Totals,
        Request::LastResult,
        Request::Status,
    ];
    for (_, mode) in LrcMode::NAMES {
        for request in &requests {
            let frame = request.encode(terminal(), register(), mode).unwrap();
            let [Item::Message(payload)] = &items(mode, &frame)[..] else {
                panic!("{request:?}")
            };
            assert_eq!(payload.request().as_ref(), Some(request));
            assert_eq!(payload.terminal(), Some(terminal()));
        }
    }
    assert_eq!(
        requests.map(|r| r.moves_money()),
        [true, true, true, false, false, false]
    );
    let much = Request::Payment {
        amount: Amount::new(100_000_000).unwrap(),
        text: String::new(),
    };
    assert_eq!(much.encode(terminal(), register(), LrcMode::Std), None);
}

#[test]
fn responses_come_back_in_every_mode() {
    let responses = [
        Response::Approved(approval()),
        Response::Refused {
            code: 1,
            words: "NEGATA".to_owned(),
            stan: Stan::new(7),
        },
        Response::Refused {
            code: 5,
            words: String::new(),
            stan: None,
        },
        Response::State(TerminalState {
            state: 0,
            release: "1.2.3".to_owned(),
        }),
        Response::Totals {
            terminal_minor: Some(123_456),
        },
        Response::Totals {
            terminal_minor: None,
        },
        Response::Closed(Closing {
            terminal_minor: 5,
            host_minor: 6,
        }),
        Response::NotClosed {
            words: "HOST".to_owned(),
        },
    ];
    for (_, mode) in LrcMode::NAMES {
        for response in &responses {
            let frame = response.encode(terminal(), mode);
            let [Item::Message(payload)] = &items(mode, &frame)[..] else {
                panic!("{response:?}")
            };
            let read = payload.response().unwrap();
            match (&read, response) {
                // The release stands behind the state digit.
                (Response::State(read), Response::State(state)) => {
                    assert_eq!((read.state, &read.release), (state.state, &state.release));
                }
                _ => assert_eq!(&read, response),
            }
        }
    }
}

#[test]
fn a_cut_approval_is_no_approval() {
    let frame = Response::Approved(approval()).encode(terminal(), LrcMode::Std);
    let payload = &frame[1..frame.len() - 2];
    for length in 0..65 {
        let cut = Payload(payload[..length].to_vec());
        assert_eq!(cut.response(), None, "{length}");
    }
    assert!(Payload(payload[..65].to_vec()).response().is_some());
}

#[test]
fn answers_progress_and_faults() {
    let check = |bytes: &[u8], expected: &str| {
        let show = |item: &Item| match item {
            Item::Message(_) => "message".to_owned(),
            Item::Fault(fault) => format!("{:?}", fault.reason),
            other => format!("{other:?}"),
        };
        let shown: Vec<_> = items(LrcMode::Std, bytes).iter().map(show).collect();
        assert_eq!(shown.join(", "), expected, "{bytes:02X?}");
    };
    let status = hex("02 31 32 33 34 35 36 37 38 30 73 03 34");
    check(&encode_ack(LrcMode::Std), "Ack");
    check(&encode_ack(LrcMode::NoExt), "Ack");
    check(&encode_nak(LrcMode::Std), "Nak");
    check(&hex("06 03 00"), "Lrc");
    check(&hex("06 06 03 79"), "Incomplete, Ack");
    check(
        &encode_progress("INSERIRE CARTA"),
        "Progress(\"INSERIRE CARTA\")",
    );
    check(
        &encode_progress("4111111111111111"),
        "Progress(\"************1111\")",
    );
    check(b"xy", "Noise");
    check(&[b"xy", &status[..]].concat(), "Noise, message");
    check(&status[..5], "Incomplete");
    check(&[&status[..5], &status].concat(), "Incomplete, message");
    let mut damaged = status.clone();
    damaged[3] ^= 0x40;
    check(&damaged, "Lrc");
    let other = Request::Status
        .encode(terminal(), register(), LrcMode::Stx)
        .unwrap();
    check(&other, "OtherMode(Stx)");
    check(
        &[&[2][..], &vec![b'1'; FRAME_BYTES_MAX + 1]].concat(),
        "TooLong",
    );
    assert!(
        FaultReason::OtherMode(LrcMode::Stx)
            .to_string()
            .contains("Stx")
    );
}

#[test]
fn no_card_number_is_kept_or_shown() {
    let mut frame = Response::Approved(approval()).encode(terminal(), LrcMode::Std);
    frame[13..32].copy_from_slice(b"   4111111111111111");
    let lrc = LrcMode::Std.lrc(&frame[1..frame.len() - 2]);
    *frame.last_mut().unwrap() = lrc;
    let [Item::Message(payload)] = &items(LrcMode::Std, &frame)[..] else {
        panic!()
    };
    let read = payload.response().unwrap();
    let Response::Approved(told) = &read else {
        panic!()
    };
    assert_eq!(told.card, CardTail::new(1111));
    assert!(
        !format!("{payload:?} {read:?}").contains("411111"),
        "{payload:?}"
    );
    frame[40] ^= 0x80;
    let [Item::Fault(fault)] = &items(LrcMode::Std, &frame)[..] else {
        panic!()
    };
    assert!(!fault.shown.contains("411111"), "{fault:?}");
}

#[test]
fn ids_and_names() {
    assert_eq!(TerminalId::new(100_000_000), None);
    assert_eq!(Stan::new(1_000_000), None);
    assert_eq!(Stan::new(42).unwrap().to_string(), "000042");
    assert_eq!(terminal().number(), 12_345_678);
    for (name, mode) in LrcMode::NAMES {
        assert_eq!(LrcMode::from_name(name), Some(mode));
    }
}
