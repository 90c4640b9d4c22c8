//! Frames of the protocols' descriptions, in tables: bytes in, words out.

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn show(item: &ScaleItem) -> String {
    match item {
        ScaleItem::Reading(Reading::Stable(w)) => {
            let basis = match w.basis {
                Basis::Net => " net",
                Basis::Gross => " gross",
                Basis::NotTold => "",
            };
            format!(
                "{}.{:03} {}{basis}",
                w.thousandths / 1000,
                w.thousandths % 1000,
                w.unit.sign()
            )
        }
        ScaleItem::Reading(Reading::Refused(refusal)) => format!("{refusal:?}"),
        ScaleItem::Accepted => "accepted".to_owned(),
        ScaleItem::Rejected => "rejected".to_owned(),
        ScaleItem::Fault(fault) => format!("fault {:?} {}", fault.reason, fault.bytes.len()),
    }
}

/// Everything that `bytes` say, with silence after them, byte by byte and at once.
fn heard(config: ScaleConfig, bytes: &[u8]) -> Vec<String> {
    let decode = |size: usize| -> Vec<String> {
        let mut decoder = ScaleDecoder::new(config);
        bytes.chunks(size).for_each(|piece| decoder.push(piece));
        decoder.silence();
        decoder.map(|item| show(&item)).collect()
    };
    let whole = decode(bytes.len().max(1));
    if !matches!(config.protocol, Protocol::Hid | Protocol::IbmOem) {
        assert_eq!(whole, decode(1));
    }
    whole
}

#[track_caller]
fn check(protocol: Protocol, bytes: &str, expected: &str) {
    let words = heard(ScaleConfig::new(protocol), &hex(bytes)).join(", ");
    assert_eq!(words, expected, "{protocol:?} {bytes}");
}

#[test]
fn toledo_8217() {
    let check = |bytes, expected| check(Protocol::Toledo8217, bytes, expected);
    check("02 30 31 2E 32 35 30 0D", "1.250 kg gross");
    check("02 30 31 2E 32 35 30 4E 0D", "1.250 kg net");
    check("02 30 30 2E 30 30 30 0D", "Zero");
    check("02 3F 01 0D", "Motion");
    check("02 3F 02 0D", "Over");
    check("02 3F 03 0D", "Over");
    check("02 3F 05 0D", "Negative");
    check("02 3F 08 0D", "NotZeroed");
    check("02 3F 10 0D", "Zero");
    check("02 3F 40 0D", "BadCommand");
    check("02 3F 00 0D", "NoNewWeight");
    // A status that is itself CR: moving, under zero, outside zero capture.
    check(
        "02 3F 0D 0D 02 30 31 2E 32 35 30 0D",
        "Negative, 1.250 kg gross",
    );
    check("02 45 0D", "accepted");
    check("68 65 6C 6C 6F", "fault Noise 5");
    check(
        "02 30 31 02 30 31 2E 32 35 30 0D",
        "fault Incomplete 3, 1.250 kg gross",
    );
    check("02 30 31 2E", "fault Incomplete 4");
    check("02 30 31 32 35 30 0D", "fault Unreadable 7");
    check("02 30 31 2E 32 35 30 35 0D", "fault Unreadable 9");
    check("02 0D", "fault Unreadable 2");
    let implied = ScaleConfig {
        unit: Unit::Pound,
        implied_decimals: Some(2),
        ..ScaleConfig::new(Protocol::Toledo8217)
    };
    assert_eq!(heard(implied, b"\x0200125\r"), ["1.250 lb gross"]);
}

#[test]
fn a_line_at_8n1_is_read_through_its_parity_and_told() {
    let config = ScaleConfig::new(Protocol::Toledo8217);
    let wrong = hex("82 30 B1 2E B2 35 30 8D");
    assert_eq!(heard(config, &wrong), ["1.250 kg gross"]);
    let mut decoder = ScaleDecoder::new(config);
    decoder.push(&wrong);
    assert_eq!(decoder.framing(), Framing::LooksLike7E1);
    assert!(
        decoder
            .framing()
            .advice()
            .unwrap()
            .starts_with("looks like 7E1")
    );
    // One damaged bit makes it no weight.
    check(
        Protocol::Toledo8217,
        "82 30 B1 2E B3 35 30 8D",
        "fault Parity 8",
    );
    // The same at 7O1, as a Dialog scale sends it.
    let odd: Vec<u8> = b"\x0209\x1B20\x03"
        .iter()
        .map(|b| b | if b.count_ones() % 2 == 0 { 0x80 } else { 0 })
        .collect();
    let mut decoder = ScaleDecoder::new(ScaleConfig::new(Protocol::Dialog));
    decoder.push(&odd);
    decoder.push(&odd);
    assert_eq!(decoder.framing(), Framing::LooksLike7O1);
    assert_eq!(
        decoder.map(|item| show(&item)).collect::<Vec<_>>(),
        ["Motion", "Motion"]
    );
}

#[test]
fn framing_verdicts() {
    let verdict = |bytes: &[u8]| {
        let mut detector = FramingDetector::default();
        detector.push(bytes);
        detector.verdict()
    };
    assert_eq!(verdict(b"1234567"), Framing::TooFew);
    assert_eq!(verdict(b"12345678"), Framing::Fits);
    assert_eq!(
        verdict(&[0xFF, 0x12, 0x80, 0x33, 0x81, 0x30, 0x30, 0x30]),
        Framing::NoPattern
    );
    assert_eq!(Framing::Fits.advice(), None);
    assert!(Framing::NoPattern.advice().unwrap().contains("speed"));
    assert!(Framing::LooksLike7O1.advice().unwrap().contains("odd"));
}

#[test]
fn nci() {
    let scp_01 = |bytes, expected| check(Protocol::NciGeneral, bytes, expected);
    scp_01(
        "0A 30 30 30 30 2E 32 35 4C 42 0D 0A 30 30 0D 03",
        "0.250 lb gross",
    );
    scp_01("0A 30 30 30 30 2E 32 35 4C 42 0D 0A 31 30 0D 03", "Motion");
    scp_01(
        "0A 30 30 30 30 2E 32 35 4C 42 0D 0A 30 70 34 0D 03",
        "0.250 lb net",
    );
    scp_01("0A 3F 0D 03", "BadCommand");
    scp_01("0A 32 30 0D 03", "Zero");
    scp_01("0A 30 31 0D 03", "Under");
    scp_01("0A 30 32 0D 03", "Over");
    scp_01("0A 34 30 0D 03", "DeviceFault");
    scp_01("0A 30 38 0D 03", "Calibration");
    scp_01("0A 30 30 0D 03", "NoNewWeight");
    let scp_02 = |bytes, expected| check(Protocol::NciEcr, bytes, expected);
    scp_02(
        "0A 30 30 2E 32 35 30 4C 42 0D 0A 53 30 30 0D 03",
        "0.250 lb gross",
    );
    scp_02(
        "0A 30 30 2E 32 35 30 4B 47 0A 0D 53 30 30 0D 03",
        "0.250 kg gross",
    );
    scp_02(
        "0A 2D 30 2E 32 35 30 4B 47 0D 0A 53 30 30 0D 03",
        "Negative",
    );
    scp_02("0A 53 31 30 0D 03", "Motion");
    scp_02(
        "0A 30 30 2E 32 35 30 0D 0A 53 30 30 0D 03",
        "fault UnknownUnit 14",
    );
    scp_02(
        "0A 30 30 2E 32 35 30 74 0D 0A 53 30 30 0D 03",
        "fault UnknownUnit 15",
    );
    scp_02("0A 03", "fault Unreadable 2");
    scp_02("0A 53 30 0D 03", "fault Unreadable 5");
}

#[test]
fn dialog() {
    let check = |bytes: &str, expected| check(Protocol::Dialog, bytes, expected);
    let record = "02 30 32 1B 33 1B 30 31 32 35 30 1B 30 30 30 33 39 39 1B 30 30 30 34 39 39 03";
    check(record, "1.250 kg");
    check(
        &record.replace("34 39 39 03", "36 39 39 03"),
        "fault PriceMismatch 26",
    );
    check(
        &record.replace("1B 33 1B", "1B 32 1B"),
        "fault Unreadable 26",
    );
    check("06 15", "accepted, rejected");
    check("02 30 39 1B 30 30 03", "accepted");
    for (state, word) in [
        ("31 30", "BadCommand"),
        ("32 30", "Motion"),
        ("32 31", "NoNewWeight"),
        ("32 32", "PriceMissing"),
        ("33 30", "Zero"),
        ("33 31", "Negative"),
        ("33 32", "Over"),
        ("39 39", "fault Unreadable 7"),
    ] {
        check(&format!("02 30 39 1B {state} 03"), word);
    }
}

#[test]
fn lines_that_come_by_themselves() {
    let config = ScaleConfig::new(Protocol::Continuous);
    for (line, expected) in [
        ("ST,GS,+  1.250kg\r\n", "1.250 kg gross"),
        ("ST,NT,+  0.500kg\r\n", "0.500 kg net"),
        ("ST,TR,+  0.500kg\r\n", "Tare"),
        ("US,GS,+  1.250kg\r\n", "Motion"),
        ("OL,GS,+  1.250kg\r\n", "Over"),
        ("ST,GS,-  0.002kg\r\n", "Negative"),
        ("ST,GS,+  0.000kg\r\n", "Zero"),
        ("ST,GS,\x01\x50,   250.0 g\r\n", "250.000 g gross"),
        ("ST,GS,+    250 g\r\n", "250.000 g gross"),
        ("ST,+00123.45  g\r\n", "123.450 g"),
        ("ST,GS,+  2.755lb\r\n", "2.755 lb gross"),
        ("ST,GS,+  1.250\r\n", "fault UnknownUnit 16"),
        ("ST,GS,+  1.250t\r\n", "fault UnknownUnit 17"),
        ("ST,GS,+  1.2505kg\r\n", "fault Unreadable 19"),
        ("5901234123457\r\n", "fault Unreadable 15"),
        ("\r\n\r\n", "fault Unreadable 2, fault Unreadable 2"),
    ] {
        assert_eq!(
            heard(config, line.as_bytes()).join(", "),
            expected,
            "{line:?}"
        );
    }
    let long = vec![b'5'; 200];
    assert_eq!(heard(config, &long)[0], "fault TooLong 64");
}

#[test]
fn hid_reports() {
    let check = |bytes: &str, expected| check(Protocol::Hid, bytes, expected);
    check("03 04 02 00 E2 04", "1250.000 g");
    check("03 04 0B FF 7B 00", "12.300 oz");
    check("03 04 03 FD E2 04", "1.250 kg");
    check("03 04 0C FE 7D 00 00 00", "1.250 lb");
    check("03 04 03 FC E3 04", "fault TooFine 6");
    check("03 04 03 7F 01 00", "fault TooFine 6");
    check("03 04 02 00 00 00", "Zero");
    for (state, word) in [
        ("01", "DeviceFault"),
        ("02", "Zero"),
        ("03", "Motion"),
        ("05", "Negative"),
        ("06", "Over"),
        ("07", "Calibration"),
        ("08", "NotZeroed"),
        ("09", "fault Unreadable 6"),
    ] {
        check(&format!("03 {state} 02 00 E2 04"), word);
    }
    check("03 04 05 00 E2 04", "fault UnknownUnit 6");
    check("04 04 02 00 E2 04", "fault Unreadable 6");
    check("03 04 02", "fault Incomplete 3");
}

#[test]
fn ibm_oem_reports() {
    let check = |bytes, expected| check(Protocol::IbmOem, bytes, expected);
    check("00 09 00 00 01 02 05 00", "1.250 kg");
    check("00 08 00 00 01 02 05", "1.250 lb");
    check("00 04 00", "Motion");
    check("00 08 04 00 01 02 05", "Over");
    check("00 08 02 00 01 02 05", "Negative");
    check("00 08 20 00 01 02 05", "NotReady");
    check("00 08 00 00 01 02 0A", "fault Unreadable 7");
    check("00 09 00 00 01", "fault Incomplete 5");
    check("00", "fault Incomplete 1");
}

#[test]
fn the_words_are_for_people() {
    let words = [
        Refusal::Motion,
        Refusal::Over,
        Refusal::Under,
        Refusal::Negative,
        Refusal::Zero,
        Refusal::Tare,
    ]
    .map(|refusal| refusal.to_string());
    assert!(
        words
            .iter()
            .all(|text| text.len() > 10 && !text.ends_with('.')),
        "{words:?}"
    );
}

#[test]
fn what_a_simulator_says_is_what_a_till_hears() {
    let refusals = [
        Refusal::Motion,
        Refusal::Over,
        Refusal::Under,
        Refusal::Negative,
        Refusal::Zero,
        Refusal::Tare,
        Refusal::NoNewWeight,
        Refusal::NotZeroed,
        Refusal::PriceMissing,
        Refusal::NotReady,
        Refusal::Calibration,
        Refusal::BadCommand,
        Refusal::DeviceFault,
    ];
    for (_, protocol) in Protocol::NAMES {
        let config = ScaleConfig::new(protocol);
        let mut said = 0;
        for reading in refusals.map(Reading::Refused) {
            if let Some(bytes) = encode(&reading, &config, 399) {
                let item = show(&ScaleItem::Reading(reading));
                assert_eq!(heard(config, &bytes), [item], "{protocol:?}");
                said += 1;
            }
        }
        assert!(said >= 5, "{protocol:?} says {said}");
    }
}

#[test]
fn commands_come_back() {
    for (_, protocol) in Protocol::NAMES {
        for command in [
            Command::Weigh,
            Command::Status,
            Command::Zero,
            Command::UnitPrice(399),
            Command::Taken,
        ] {
            let Some(bytes) = command.encode(protocol) else {
                continue;
            };
            let mut decoder = CommandDecoder::new(protocol);
            decoder.push(&bytes);
            decoder.silence();
            let heard: Vec<_> = decoder.collect();
            assert_eq!(heard, [CommandItem::Command(command)], "{protocol:?}");
        }
    }
    let mut decoder = CommandDecoder::new(Protocol::Dialog);
    decoder.push(b"\x04\x0201\x1B000399\x1B\x03\x04\x04\x05xy");
    let heard: Vec<_> = decoder.collect();
    assert_eq!(
        heard,
        [
            CommandItem::Command(Command::UnitPrice(399)),
            CommandItem::Command(Command::Taken),
            CommandItem::Command(Command::Weigh),
            CommandItem::Unknown(b"x".to_vec()),
            CommandItem::Unknown(b"y".to_vec()),
        ]
    );
}

#[test]
fn names_and_units() {
    for (name, protocol) in Protocol::NAMES {
        assert_eq!(Protocol::from_name(name), Some(protocol));
    }
    assert_eq!(Protocol::from_name("x"), None);
    assert_eq!(Unit::from_sign("KG"), Some(Unit::Kilogram));
    assert!(Protocol::Toledo8217.is_polled() && !Protocol::Hid.is_polled());
    let weight = |thousandths, unit| Weight {
        thousandths,
        unit,
        basis: Basis::Gross,
    };
    assert_eq!(weight(1250, Unit::Kilogram).grams(), Some(1250));
    assert_eq!(weight(250_000, Unit::Gram).grams(), Some(250));
    assert_eq!(weight(250_500, Unit::Gram).grams(), None);
    assert_eq!(weight(1, Unit::Pound).grams(), None);
}
