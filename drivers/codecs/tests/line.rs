//! Serial line scanners: what comes out for what goes in, as table checks.

use shelf_codecs::barcode::PrefixScheme;
use shelf_codecs::scanner::line::{LineConfig, LineDecoder, LineItem, encode};
use shelf_codecs::scanner::{Terminator, Terminators};

fn show(item: &LineItem) -> String {
    match item {
        LineItem::Scan(scan) => {
            format!("{} {:?}", scan.bytes.escape_ascii(), scan.terminator)
        }
        LineItem::Fault(fault) => format!("{:?} {}", fault.reason, fault.bytes_total),
    }
}

fn lines(config: &LineConfig, bytes: &[u8]) -> Vec<String> {
    let mut decoder = LineDecoder::new(config.clone());
    decoder.push(bytes);
    decoder.flush_idle();
    decoder.map(|item| show(&item)).collect()
}

fn only(terminator: Terminator) -> LineConfig {
    LineConfig {
        terminators: Terminators::NONE.with(terminator),
        ..LineConfig::default()
    }
}

#[test]
fn terminators() {
    let usual = LineConfig::default();
    let cases: [(&LineConfig, &str, &[&str]); 10] = [
        (&usual, "5901234123457\r", &["5901234123457 Some(Cr)"]),
        (&usual, "5901234123457\n", &["5901234123457 Some(Lf)"]),
        (&usual, "1\r\n2\r\n", &["1 Some(Cr)", "2 Some(Cr)"]),
        (&usual, "\r\n\r\r\n", &[]),
        (&usual, "5901234123457", &["5901234123457 None"]),
        (&usual, "\0\0\x021\r", &["1 Some(Cr)"]),
        (
            &only(Terminator::CrLf),
            "a\r\nb\r\n",
            &["a Some(CrLf)", "b Some(CrLf)"],
        ),
        (
            &only(Terminator::Tab),
            "a\tb\t",
            &["a Some(Tab)", "b Some(Tab)"],
        ),
        (
            &only(Terminator::Etx),
            "\x02a\x03\x02b\x03",
            &["a Some(Etx)", "b Some(Etx)"],
        ),
        (&usual, "10A\x1d21B\r", &["10A\\x1d21B Some(Cr)"]),
    ];
    for (config, text, expected) in cases {
        assert_eq!(lines(config, text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn rules_turn_damage_into_faults() {
    let rules = LineConfig {
        prefix: b"S08".to_vec(),
        suffix: b"#".to_vec(),
        length_min: 4,
        gs_substitute: Some(b'^'),
        ..LineConfig::default()
    };
    let cases = [
        ("S08A1234#\r", "A1234 Some(Cr)"),
        ("8A1234#\r", "PrefixMissing 7"),
        ("S08A1234\r", "SuffixMissing 8"),
        ("S08A12#\r", "TooShort 7"),
        ("S0810A^21B#\r", "10A\\x1d21B Some(Cr)"),
        ("S08A\x07234#\r", "Control 9"),
        ("S08A1\x00234#\r", "Control 10"),
    ];
    for (text, expected) in cases {
        assert_eq!(lines(&rules, text.as_bytes()), [expected], "{text:?}");
    }
    let stx = LineConfig {
        stx_required: true,
        ..only(Terminator::Etx)
    };
    assert_eq!(
        lines(&stx, b"\x02one\x03two\x03\x02thr\x02four\x03"),
        [
            "one Some(Etx)",
            "PrefixMissing 3",
            "SuffixMissing 4",
            "four Some(Etx)"
        ],
    );
    let binary = LineConfig {
        binary: true,
        ..only(Terminator::Cr)
    };
    assert_eq!(lines(&binary, b"\0a\x07\n\r"), ["\\x00a\\x07\\n Some(Cr)"]);
}

#[test]
fn a_line_without_end_is_one_fault() {
    let mut decoder = LineDecoder::new(LineConfig::default());
    let noise = vec![b'x'; 64 * 1024];
    for _ in 0..32 {
        decoder.push(&noise);
        assert_eq!(decoder.next(), None);
    }
    decoder.push(b"\r5901234123457\r");
    let items: Vec<LineItem> = decoder.collect();
    assert_eq!(
        items.iter().map(show).collect::<Vec<_>>(),
        ["TooLong 2097152", "5901234123457 Some(Cr)"]
    );
    assert!(matches!(&items[0], LineItem::Fault(fault) if fault.bytes.len() == 256));
}

#[test]
fn what_is_encoded_is_decoded() {
    let config = LineConfig {
        stx_required: true,
        prefix: b"<".to_vec(),
        ..LineConfig::default()
    };
    let bytes = encode(b"]E05901234123457", &config, Some(Terminator::Cr));
    assert_eq!(bytes, b"\x02<]E05901234123457\r");
    let mut decoder = LineDecoder::new(config);
    decoder.push(&bytes);
    let Some(LineItem::Scan(scan)) = decoder.next() else {
        panic!("no scan")
    };
    assert_eq!(scan.text(PrefixScheme::Aim).text, b"5901234123457");
}

#[test]
fn a_scan_shows_no_card_number() {
    let mut decoder = LineDecoder::new(LineConfig::default());
    decoder.push(b";4111111111111111=27121010000?\r\x014111111111111111\r");
    let shown = format!("{:?}", decoder.collect::<Vec<_>>());
    assert!(
        !shown.contains("411111") && shown.contains("1111="),
        "{shown}"
    );
}

#[test]
fn what_is_no_text_is_no_scan() {
    let usual = LineConfig::default();
    let binary = LineConfig {
        binary: true,
        ..LineConfig::default()
    };
    // 4006381333931 of a scanner at seven bits with even parity, read as eight.
    let misread = b"\xB4006\xB3\xB8\xB1\xB3\xB3\xB39\xB3\xB1\r";
    assert_eq!(lines(&usual, misread), ["NotText 13"]);
    assert_eq!(lines(&usual, "Größe 42\r".as_bytes()).len(), 1);
    assert!(lines(&usual, "Größe 42\r".as_bytes())[0].ends_with("Some(Cr)"));
    assert!(lines(&binary, misread)[0].ends_with("Some(Cr)"));
}
