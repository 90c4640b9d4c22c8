//! Every example frame of the reference, in both transports and both directions.

use super::super::*;
use super::{bytes, packet};

fn password() -> Password {
    Password::new("123456").unwrap()
}

fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}

fn auth(minor: u64) -> Packet {
    Packet::Authorisation {
        amount: amount(minor),
        currency: 978,
        payment_type: None,
        timeout_s: None,
        status_max: None,
    }
}

fn paid() -> Packet {
    Packet::StatusInformation(Box::new(StatusInformation {
        result_code: Some(0),
        amount: Some(amount(1234)),
        trace: Some(815),
        time: Some(TerminalTime {
            hour: 14,
            minute: 30,
            second: 5,
        }),
        date: Some(TerminalDate { month: 11, day: 21 }),
        card_sequence: Some(1),
        payment_type: Some(0x70),
        card: CardTail::new(1234),
        terminal_id: Some(12_345_678),
        currency: Some(978),
        receipt: Some(42),
        ..StatusInformation::default()
    }))
}

fn registration(password: &str, config: u8, permitted: Vec<(u8, u8)>) -> Packet {
    Packet::Registration(Registration {
        password: Password::new(password).unwrap(),
        config,
        currency: 978,
        service: None,
        permitted,
    })
}

/// Packet, TCP bytes, serial bytes.
#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<(Packet, &'static str, &'static str)> {
    vec![
        (
            registration("123456", config_byte::REGISTER_PRINTS, vec![(0x06, 0xD3)]),
            "0600 0E 123456 BE 0978 06 06 26 04 0A 02 06 D3",
            "1002 06000E123456BE0978060626040A0206D3 1003 6DBC",
        ),
        (
            registration(
                "000000",
                config_byte::REGISTER_PRINTS_TERMINAL_MAY_START,
                vec![],
            ),
            "0600 06 000000 8E 0978",
            "10 02 06 00 06 00 00 00 8E 09 78 10 03 CE E6",
        ),
        (
            auth(1010),
            "0601 0A 04 000000001010 49 0978",
            "10 02 06 01 0A 04 00 00 00 00 10 10 10 10 49 09 78 10 03 67 D4",
        ),
        (
            auth(1234),
            "0601 0A 04 000000001234 49 0978",
            "10 02 06 01 0A 04 00 00 00 00 12 34 49 09 78 10 03 B0 91",
        ),
        (
            Packet::Acknowledge,
            "80 00 00",
            "10 02 80 00 00 10 03 F5 1F",
        ),
        (
            Packet::Refusal { code: result::WAIT },
            "84 9C 00",
            "10 02 84 9C 00 10 03 C3 41",
        ),
        (
            Packet::IntermediateStatus(IntermediateStatus {
                code: 0x17,
                timeout_minutes: None,
                lines: vec![],
            }),
            "04 FF 01 17",
            "10 02 04 FF 01 17 10 03 1C 58",
        ),
        (
            Packet::Completion(Completion::default()),
            "06 0F 00",
            "10 02 06 0F 00 10 03 C6 33",
        ),
        (
            Packet::Abort {
                code: Some(result::ABORTED),
            },
            "06 1E 01 6C",
            "10 02 06 1E 01 6C 10 03 C9 F2",
        ),
        (
            Packet::Reversal {
                password: password(),
                receipt: 1,
                amount: None,
            },
            "0630 06 123456 87 0001",
            "10 02 06 30 06 12 34 56 87 00 01 10 03 36 B7",
        ),
        (
            Packet::Refund {
                password: password(),
                amount: amount(500),
                currency: 978,
            },
            "0631 0D 123456 04 000000000500 49 0978",
            "10 02 06 31 0D 12 34 56 04 00 00 00 00 05 00 49 09 78 10 03 6F 97",
        ),
        (
            Packet::EndOfDay {
                password: password(),
            },
            "0650 03 123456",
            "10 02 06 50 03 12 34 56 10 03 C4 AF",
        ),
        (
            Packet::RepeatReceipt {
                password: password(),
                service: Some(3),
            },
            "0620 05 123456 03 03",
            "10 02 06 20 05 12 34 56 03 03 10 03 70 38",
        ),
        (
            Packet::StatusEnquiry {
                password: Password::new("000000").unwrap(),
                service: None,
            },
            "0501 03 000000",
            "10 02 05 01 03 00 00 00 10 03 DF DB",
        ),
        (
            paid(),
            "04 0F 2F 27 00 04 00 00 00 00 12 34 0B 00 08 15 0C 14 30 05 0D 11 21 17 00 01 19 70
             22 F0 F8 EE EE EE EE EE EE 12 34 29 12 34 56 78 49 09 78 87 00 42",
            "10 02 04 0F 2F 27 00 04 00 00 00 00 12 34 0B 00 08 15 0C 14 30 05 0D 11 21 17 00 01
             19 70 22 F0 F8 EE EE EE EE EE EE 12 34 29 12 34 56 78 49 09 78 87 00 42 10 03 AC 71",
        ),
    ]
}

#[test]
fn examples_are_written_and_read_byte_for_byte() {
    for (meaning, tcp, serial) in table() {
        assert_eq!(meaning.encode(), bytes(tcp), "{meaning:?}");
        assert_eq!(
            encode_serial(&meaning.to_apdu()),
            bytes(serial),
            "{meaning:?}"
        );
        assert_eq!(packet(&bytes(tcp)), meaning);
        assert_eq!(
            serial_items(&bytes(serial)),
            vec![SerialItem::Apdu(meaning.to_apdu())]
        );
    }
}

#[test]
fn declined_with_text() {
    let mut frame = bytes("04 0F 16 27 6C 29 12 34 56 78 3C F0 F1 F1");
    frame.extend(b"Abgebrochen");
    let Packet::StatusInformation(status) = packet(&frame) else {
        panic!("not a status")
    };
    assert!(!status.approved());
    assert_eq!(status.result_code, Some(result::ABORTED));
    assert_eq!(status.terminal_id, Some(12_345_678));
    assert_eq!(status.text.as_deref(), Some("Abgebrochen"));
    assert_eq!(Packet::StatusInformation(status).encode(), frame);
}

#[test]
fn completion_of_a_registration_and_of_an_enquiry() {
    let registered = packet(&bytes("06 0F 0A 19 00 29 12 34 56 78 49 09 78"));
    let expected = Completion {
        terminal_status: Some(0),
        terminal_id: Some(12_345_678),
        currency: Some(978),
    };
    assert_eq!(registered, Packet::Completion(expected));
    for (frame, status) in [
        ("06 0F 01 F0", 0xF0),
        ("06 0F 01 DC", 0xDC),
        ("06 0F 06 F0 F0 F2 41 42 9C", 0x9C),
    ] {
        let Packet::Completion(c) = packet(&bytes(frame)) else {
            panic!("{frame}")
        };
        assert_eq!(c.terminal_status, Some(status), "{frame}");
    }
}

#[test]
fn kermit_check_value() {
    assert_eq!(serial::kermit(b"123456789".iter().copied()), 0x2189);
}

#[test]
fn a_length_of_255_takes_three_bytes() {
    for (size, head) in [(254, 3), (255, 5), (65_535, 5)] {
        let apdu = Apdu::new(0x06, 0xD3, vec![0x41; size]).unwrap();
        let stream = apdu.encode();
        assert_eq!(stream.len(), head + size);
        assert_eq!(super::unit(&stream), apdu);
    }
    assert_eq!(Apdu::new(6, 0xD3, vec![0; 65_536]), None);
}

/// Everything that comes out of a serial line after it went silent.
fn serial_items(stream: &[u8]) -> Vec<SerialItem> {
    let mut decoder = SerialDecoder::new();
    decoder.push(stream);
    decoder.silence();
    std::iter::from_fn(|| decoder.next_item()).collect()
}

#[test]
fn every_flipped_bit_of_every_serial_example_is_refused() {
    for (_, _, serial) in table() {
        let good = bytes(serial);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let items = serial_items(&bad);
            assert!(!items.is_empty(), "bit {bit} of {serial}: no answer at all");
            assert!(
                items.iter().all(|i| matches!(i, SerialItem::Fault(_))),
                "bit {bit} of {serial}: {items:?}"
            );
        }
    }
}

#[test]
fn a_damaged_serial_frame_does_not_hide_the_next() {
    let frame = bytes("10 02 80 00 00 10 03 F5 1F");
    for cut in 1..frame.len() {
        let mut stream = frame[..cut].to_vec();
        stream.extend(&frame);
        let last = serial_items(&stream).pop();
        let retry = serial_items(&frame).pop();
        // Cut within the frame's end, the next start looks like its rest; a repetition after T1 does not.
        if cut < frame.len() - 3 {
            assert_eq!(last, retry, "cut after {cut}");
        }
        let mut decoder = SerialDecoder::new();
        decoder.push(&frame[..cut]);
        decoder.silence();
        decoder.push(&frame);
        assert_eq!(
            std::iter::from_fn(|| decoder.next_item()).last(),
            retry,
            "cut after {cut}"
        );
    }
}

#[test]
fn bare_answers_are_read_between_frames_only() {
    let items = serial_items(&bytes("06 15 10 02 80 00 00 10 03 F5 1F 06"));
    assert_eq!(items[0], SerialItem::Answer(Acknowledgement::Ack));
    assert_eq!(items[1], SerialItem::Answer(Acknowledgement::Nak));
    assert_eq!(items[3], SerialItem::Answer(Acknowledgement::Ack));
    assert_eq!(Acknowledgement::Nak.byte(), 0x15);
    assert!(matches!(
        serial_items(&bytes("AA 06"))[..],
        [SerialItem::Fault(_)]
    ));
}

#[test]
fn another_protocol_on_the_port_is_a_fault_and_zvt_behind_it_is_read() {
    let mut decoder = TcpDecoder::new();
    decoder.push(b"\x00\x00\x00\x3E\"VER|APP\x80\x00\x00");
    assert!(matches!(
        decoder.next_item(),
        Some(Item::Fault(Fault::NotZvt(_)))
    ));
    assert!(matches!(decoder.next_item(), Some(Item::Apdu(a)) if a.control() == (0x80, 0)));
    decoder.push(&bytes("04 0F 20 27"));
    assert_eq!(decoder.next_item(), None);
    assert!(matches!(decoder.finish(), Some(Fault::Incomplete(_))));
    assert_eq!(decoder.finish(), None);
}

#[test]
fn an_undrained_decoder_is_bounded() {
    let mut decoder = TcpDecoder::new();
    for _ in 0..100 {
        decoder.push(&[0x06; 10_000]);
    }
    assert!(matches!(
        decoder.next_item(),
        Some(Item::Fault(Fault::Overflow(_)))
    ));
}

#[test]
fn required_fields_are_required() {
    for frame in [
        "06 01 00",
        "06 30 03 12 34 56",
        "06 31 03 12 34 56",
        "06 00 02 12 34",
        "04 FF 00",
    ] {
        let fault = Packet::read(&super::unit(&bytes(frame)));
        assert!(
            matches!(fault, Err(Fault::Content(_))),
            "{frame}: {fault:?}"
        );
    }
}
