//! No card number, track or password leaves the codec, in any representation.

use super::super::*;
use super::{bytes, unit};

const PAN: &str = "4929123456781234";

/// Every window of six digits of the number, except those that only hold its last four.
fn leaks(shown: &str) -> bool {
    let digits: String = shown.chars().filter(char::is_ascii_hexdigit).collect();
    (0..=PAN.len() - 6).any(|at| digits.contains(&PAN[at..at + 6]))
}

fn status(fields: &str) -> Apdu {
    Apdu::new(0x04, 0x0F, bytes(fields)).unwrap()
}

#[test]
fn the_check_finds_a_number_that_is_there() {
    assert!(leaks("49 29 12 34 56 78 12 34"));
    assert!(leaks("x929123x"));
    assert!(!leaks("EE EE 12 34"));
}

#[test]
fn card_fields_are_reduced_or_dropped() {
    for fields in [
        "27 00 22 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 22 F1 F0 49 29 12 34 56 78 12 34 FF FF",
        "27 00 23 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 24 F0 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 2D F0 F8 49 29 12 34 56 78 12 34",
        "27 00 2E F0 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 9A F0 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 A7 F0 F8 49 29 12 34 56 78 12 34",
        "27 00 06 0A 5A 08 49 29 12 34 56 78 12 34",
        "27 00 77 49 29 12 34 56 78 12 34",
        "27 00 3C F0 F1 F6 34 39 32 39 31 32 33 34 35 36 37 38 31 32 33 34",
        "27 00 8B F1 F6 34 39 32 39 31 32 33 34 35 36 37 38 31 32 33 34",
        "27 00 22 F9 F8 49 29 12 34 56 78 12 34",
    ] {
        let apdu = status(fields);
        let packet = Packet::read(&apdu).unwrap();
        for shown in [
            format!("{packet:?}"),
            format!("{apdu:?}"),
            format!("{:02X?}", packet.encode()),
            MaskedFrame::of(&apdu).to_string(),
            MaskedBytes::of(&apdu.encode()).to_string(),
        ] {
            assert!(!leaks(&shown), "{fields}: {shown}");
        }
        let Packet::StatusInformation(read) = packet else {
            panic!("{fields}")
        };
        assert_eq!(read.result_code, Some(0), "{fields}");
    }
}

#[test]
fn the_last_four_digits_remain() {
    for (fields, tail) in [
        ("22 F0 F8 49 29 12 34 56 78 12 34", Some(1234)),
        ("22 F0 F8 12 34 56 EE EE EE 78 90", Some(7890)),
        ("22 F1 F0 67 04 12 34 56 78 90 12 34 5F", Some(2345)),
        ("22 F0 F8 EE EE EE EE EE EE EE EE", None),
        ("22 F0 F1 12", None),
    ] {
        let Packet::StatusInformation(read) = Packet::read(&status(fields)).unwrap() else {
            panic!("{fields}")
        };
        assert_eq!(read.card, tail.and_then(CardTail::new), "{fields}");
        assert_eq!(read.unread_bytes, 0);
    }
}

#[test]
fn text_is_masked() {
    for (text, masked) in [
        ("Karte 4929123456781234", "Karte ************1234"),
        ("4929 1234 5678 1234", "**** **** **** 1234"),
        ("4929-1234-5678-1234 ok", "****-****-****-1234 ok"),
        ("492912******1234", "************1234"),
        ("492912XXXXXX1234", "************1234"),
        ("Betrag 12,34 EUR", "Betrag 12,34 EUR"),
        ("21.11.2026 14:30:05", "21.11.2026 14:30:05"),
        ("Beleg 0042 Trace 815", "Beleg 0042 Trace 815"),
        ("Terminal 12345678", "Terminal ****5678"),
        ("Taxi Max XXL", "Taxi Max XXL"),
        ("12345", "12345"),
        ("", ""),
    ] {
        assert_eq!(mask_digit_runs(text), masked);
    }
    let line = unit(&[&[0x06, 0xD1, 17, 0x40][..], PAN.as_bytes()].concat());
    let shown = format!("{:?} {:?}", Packet::read(&line).unwrap(), line);
    assert!(!leaks(&shown), "{shown}");
}

#[test]
fn passwords_are_never_shown() {
    let password = Password::new("739182").unwrap();
    for packet in [
        Packet::EndOfDay { password },
        Packet::RepeatReceipt {
            password,
            service: Some(3),
        },
        Packet::Reversal {
            password,
            receipt: 1,
            amount: None,
        },
        Packet::Refund {
            password,
            amount: Amount::new(1).unwrap(),
            currency: 978,
        },
        Packet::StatusEnquiry {
            password,
            service: None,
        },
        Packet::Registration(Registration {
            password,
            config: 8,
            currency: 978,
            service: None,
            permitted: vec![],
        }),
    ] {
        let shown = format!(
            "{packet:?} {:?} {}",
            packet.to_apdu(),
            MaskedFrame::of(&packet.to_apdu())
        );
        assert!(
            !shown.contains("739182") && !shown.contains("73 91 82"),
            "{shown}"
        );
    }
    assert_eq!(Password::new("12345"), None);
    assert_eq!(Password::new("12345x"), None);
}

#[test]
fn a_frame_for_the_log_shows_the_harmless_fields() {
    let frame =
        status("27 00 04 00 00 00 00 12 34 22 F0 F8 49 29 12 34 56 78 12 34 29 12 34 56 78");
    assert_eq!(
        MaskedFrame::of(&frame).to_string(),
        "04 0F [25] 27:00 04:00 00 00 00 12 34 22:******** 29:12 34 56 78"
    );
    let odd = Apdu::new(0x06, 0xC0, bytes("49 29 12 34 56 78 12 34")).unwrap();
    assert!(!leaks(&format!("{odd:?}")));
}
