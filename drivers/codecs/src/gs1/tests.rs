//! Table checks of the dictionary, element strings, amounts, dates and Digital Links.

use super::digital_link::{LinkError, LinkOptions, to_element_string};
use super::{Ai, Elements, Gs1Fault, date, dictionary::DICTIONARY};

/// Parses with `~` standing for the separator.
fn parsed(text: &str) -> String {
    let text = text.replace('~', "\x1d");
    match Elements::parse(&text) {
        Ok(elements) => elements
            .iter()
            .map(|e| format!("({}){}", e.ai, e.value))
            .collect(),
        Err(error) => format!("{:?} {:?} at {}", error.fault, error.ai, error.at),
    }
}

fn pairing(text: &str) -> Option<Gs1Fault> {
    let text = text.replace('~', "\x1d");
    Elements::parse(&text)
        .unwrap()
        .check_pairings()
        .err()
        .map(|error| error.fault)
}

#[test]
fn the_table_is_the_dictionary() {
    let source = include_str!("../../data/gs1-syntax-dictionary.txt");
    let lines: Vec<&str> = source
        .lines()
        .filter(|l| l.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    assert_eq!(DICTIONARY.rows().len(), lines.len());
    assert_eq!(lines.len(), 219);
    for (row, line) in DICTIONARY.rows().iter().zip(&lines) {
        let ai = Ai {
            key: row.key_first,
            digits: row.digits,
        };
        let title = line.split_once("# ").map_or("", |(_, title)| title);
        assert!(line.starts_with(&ai.to_string()), "{line}");
        assert_eq!(row.title, title, "{line}");
        assert_eq!(row.fixed, line.as_bytes()[11] == b'*', "{line}");
        assert_eq!(row.attribute, line.as_bytes()[12] == b'?', "{line}");
        assert_eq!(row.primary_key.is_some(), line.contains("dlpkey"), "{line}");
        assert_eq!(Ai::parse(&ai.to_string()), Some(ai));
        let requirements = line.matches("req=").count();
        let ends = DICTIONARY.rules(row).iter();
        let ends = ends
            .filter(|rule| rule.pairing == super::dictionary::Pairing::End)
            .count();
        assert_eq!(ends, requirements, "{line}");
        if row.fixed {
            assert!(
                row.parts.iter().all(|part| part.len_min == part.len_max),
                "{line}"
            );
        }
    }
}

#[test]
fn ais_are_found_by_their_digits() {
    assert_eq!(Ai::parse("01"), Some(Ai::GTIN));
    assert_eq!(Ai::parse("3103").unwrap().to_string(), "3103");
    assert_eq!(Ai::parse("3103").unwrap().title(), "NET WEIGHT (kg)");
    assert_eq!(Ai::parse("235").unwrap().title(), "TPX");
    assert_eq!(Ai::parse("99").unwrap().title(), "INTERNAL");
    for unknown in [
        "", "0", "1", "010", "04", "3106", "3109", "31", "ab", "9é", "8031",
    ] {
        assert_eq!(Ai::parse(unknown), None, "{unknown}");
    }
}

#[test]
fn element_strings() {
    let cases = [
        ("0104006381333931", "(01)04006381333931"),
        ("~0104006381333931~", "(01)04006381333931"),
        (
            "010952012345678810ABC~21x/1",
            "(01)09520123456788(10)ABC(21)x/1",
        ),
        (
            "01095201234567883103001250",
            "(01)09520123456788(3103)001250",
        ),
        // A separator after a fixed-length element is tolerated.
        (
            "0109520123456788~17271231~10AB1",
            "(01)09520123456788(17)271231(10)AB1",
        ),
        ("01095201234567880109520123456788", "(01)09520123456788"),
        ("00106141412345678908", "(00)106141412345678908"),
        ("8008270214153012", "(8008)270214153012"),
        ("80082702141530", "(8008)2702141530"),
        ("423276040", "(423)276040"),
        ("7007270214270228", "(7007)270214270228"),
        ("43310005000", "Value Some((4331)) at 0"),
        ("4331000500-1", "ValueTooLong Some((4331)) at 0"),
        ("4331000500-", "(4331)000500-"),
        (
            "80131987654Ad4X4bL5ttr2310c2K",
            "(8013)1987654Ad4X4bL5ttr2310c2K",
        ),
        (
            "80131987654Ad4X4bL5ttr2310c3K",
            "CheckDigit Some((8013)) at 0",
        ),
        ("8007DE89370400440532013000", "(8007)DE89370400440532013000"),
        ("8007DE89370400440532013001", "Value Some((8007)) at 0"),
        ("703127604ABC", "(7031)27604ABC"),
        ("0104006381333932", "CheckDigit Some((01)) at 0"),
        ("010400638133393", "ValueTooShort Some((01)) at 0"),
        ("01040063813~9310", "ValueTooShort Some((01)) at 0"),
        ("0104006381333931991", "(01)04006381333931(99)1"),
        ("17271301", "Date Some((17)) at 0"),
        ("17270200", "(17)270200"),
        ("17270229", "Date Some((17)) at 0"),
        ("17280229", "(17)280229"),
        ("10123456789012345678901", "ValueTooLong Some((10)) at 0"),
        ("10AB 1", "Character Some((10)) at 0"),
        ("3012a", "Character Some((30)) at 0"),
        ("10A~10B", "Repeated Some((10)) at 4"),
        ("10A~10A", "(10)A"),
        ("10~", "ValueTooShort Some((10)) at 0"),
        ("10", "ValueTooShort Some((10)) at 0"),
        ("05123", "UnknownAi None at 0"),
        ("725020000229", "(7250)20000229"),
        ("725019000229", "Date Some((7250)) at 0"),
        ("8006095201234567880102", "(8006)095201234567880102"),
        ("8006095201234567880002", "Value Some((8006)) at 0"),
        ("8006095201234567880302", "Value Some((8006)) at 0"),
        ("x", "UnknownAi None at 0"),
        ("", "Empty None at 0"),
        ("~~", "Empty None at 0"),
    ];
    for (text, expected) in cases {
        assert_eq!(parsed(text), expected, "{text}");
    }
}

#[test]
fn bounds_hold() {
    let many: String = (0..40).map(|n| format!("{}A\x1d", 7230 + n)).collect();
    assert!(Elements::parse(&many).is_err());
    let long = format!("10{}", "A".repeat(5000));
    assert_eq!(Elements::parse(&long).unwrap_err().fault, Gs1Fault::TooLong);
    let lot: String = (91..=99)
        .map(|n| format!("{n}{}\x1d", "A".repeat(90)))
        .collect();
    assert_eq!(Elements::parse(&lot).unwrap().count(), 9);
}

#[test]
fn pairings() {
    assert_eq!(pairing("010952012345678810A"), None);
    assert_eq!(pairing("10A"), Some(Gs1Fault::Missing));
    // 3922 needs (01) and one of (30), (31nn)...
    assert_eq!(pairing("01095201234567883922199"), Some(Gs1Fault::Missing));
    assert_eq!(pairing("010952012345678831030012503922199"), None);
    assert_eq!(
        pairing("010952012345678831030012503104001250"),
        Some(Gs1Fault::Excluded(Ai::parse("3104").unwrap())),
    );
    assert_eq!(
        pairing("0109520123456788371"),
        Some(Gs1Fault::Excluded(Ai::CONTENT_COUNT))
    );
    assert_eq!(pairing("02095201234567883712~00106141412345678908"), None);
    assert_eq!(pairing("72581/2"), Some(Gs1Fault::Missing));
    // (8030) needs (01) together with (21), not alone.
    assert_eq!(pairing("01095201234567888030AA"), Some(Gs1Fault::Missing));
    assert_eq!(pairing("010952012345678821S~8030AA"), None);
}

#[test]
fn unknown_ais_are_skipped_where_their_end_is_certain() {
    let skipping = |text: &str| {
        let text = text.replace('~', "\x1d");
        let read = Elements::parse_skipping_unknown(&text);
        read.map(|e| (e.count(), e.skipped()))
            .map_err(|error| (error.fault, error.at))
    };
    assert_eq!(skipping("01095201234567887999NEW~10A"), Ok((2, 1)));
    assert_eq!(
        skipping("01095201234567889NEW"),
        Err((Gs1Fault::UnknownAi, 16))
    );
    assert_eq!(skipping("01095201234567887999NEW"), Ok((1, 1)));
    assert_eq!(skipping("7999NEW"), Err((Gs1Fault::Empty, 0)));
    // Its length is predefined, so where it ends is not known.
    assert_eq!(
        skipping("01095201234567883109000001"),
        Err((Gs1Fault::UnknownAi, 16))
    );
    assert_eq!(
        skipping("0109520123456789~7999NEW"),
        Err((Gs1Fault::CheckDigit, 0))
    );
}

#[test]
fn brackets() {
    let from = |text| super::from_brackets(text).map(|out| out.replace('\x1d', "~"));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        from("(01)09520123456788(10)A(B)1(21)7"),
        some("010952012345678810A(B)1~217")
    );
    assert_eq!(from("(01)09520123456788"), some("0109520123456788"));
    assert_eq!(from("(10)"), some("10"));
    assert_eq!(from("(99999)1"), None);
    assert_eq!(from("(abc)"), None);
    assert_eq!(from("(01"), None);
    assert_eq!(from(""), None);
}

#[test]
fn amounts() {
    let weight = |text: &str| Elements::parse(text).unwrap().net_weight_g();
    assert_eq!(weight("01095201234567883103001250"), Some(1250));
    assert_eq!(weight("01095201234567883105001250"), Some(13));
    assert_eq!(weight("01095201234567883100000002"), Some(2000));
    assert_eq!(weight("01095201234567883202000100"), Some(454));
    assert_eq!(weight("01095201234567883560000001"), Some(31));
    assert_eq!(weight("0109520123456788"), None);
    let priced = Elements::parse("0109520123456788393297812345").unwrap();
    let price = priced.price().unwrap();
    assert_eq!(
        (price.currency, price.amount.rescale(2)),
        (Some(978), Some(12345))
    );
    assert_eq!(
        (price.amount.rescale(0), price.amount.rescale(3)),
        (Some(123), Some(123_450))
    );
    let priced = Elements::parse("0109520123456788392215").unwrap();
    assert_eq!(priced.price().unwrap().amount.rescale(2), Some(15));
    assert_eq!(
        Elements::parse("01095201234567883012").unwrap().pieces(),
        Some(12)
    );
    let huge = Elements::parse("01095201234567883920999999999999999").unwrap();
    assert_eq!(huge.price().unwrap().amount.rescale(19), None);
}

#[test]
fn dates() {
    let on = |text, now| date::resolve(text, now).map(|d| (d.year, d.month, d.day));
    assert_eq!(on("270200", 2026), Some((2027, 2, 28)));
    assert_eq!(on("280200", 2026), Some((2028, 2, 29)));
    assert_eq!(on("761231", 2026), Some((2076, 12, 31)));
    assert_eq!(on("771231", 2026), Some((1977, 12, 31)));
    assert_eq!(on("010101", 2099), Some((2101, 1, 1)));
    assert_eq!(on("991231", 2001), Some((1999, 12, 31)));
    assert_eq!(on("260431", 2026), None);
    assert_eq!(on("2604", 2026), None);
}

fn linked(uri: &str) -> String {
    match to_element_string(uri, LinkOptions::default()) {
        Ok(text) => text.replace('\x1d', "~"),
        Err(LinkError::NotALink) => "no link".to_owned(),
        Err(LinkError::Invalid(error)) => format!("{:?} {:?}", error.fault, error.ai),
    }
}

#[test]
fn digital_links() {
    let cases = [
        ("https://id.gs1.org/01/09520123456788", "0109520123456788"),
        ("https://id.gs1.org/01/09520123456788/", "0109520123456788"),
        ("HTTPS://EXAMPLE.COM/01/09520123456788", "0109520123456788"),
        ("Https://example.com/01/09520123456788", "no link"),
        (
            "https://shop.example/a/b/01/09520123456788/10/AB%2F1/21/7?17=271231&utm=x#frag",
            "010952012345678810AB/1~217~17271231",
        ),
        (
            "https://x.example/gtin/09520123456788/ser/77",
            "01095201234567882177",
        ),
        (
            "https://x.example/01/09520123456788/21/7/10/A",
            "Placement Some((21))",
        ),
        (
            "https://x.example/01/09520123456788/235/TP/10/A",
            "Placement Some((235))",
        ),
        (
            "https://x.example/01/09520123456789",
            "CheckDigit Some((01))",
        ),
        (
            "https://x.example/01/9520123456788",
            "ValueTooShort Some((01))",
        ),
        (
            "https://x.example/01/09520123456788?01=09520123456788",
            "Placement Some((01))",
        ),
        (
            "https://x.example/01/09520123456788?9999=1",
            "UnknownAi None",
        ),
        (
            "https://x.example/01/09520123456788/10/A%2",
            "Character Some((10))",
        ),
        (
            "https://x.example/01/09520123456788/10/%1D21",
            "Character Some((10))",
        ),
        // The rightmost primary key wins.
        (
            "https://x.example/414/9520123456788/01/09520123456788",
            "0109520123456788",
        ),
        ("https://x.example/01/09520123456788/menu", "no link"),
        ("https://example.com/", "no link"),
        ("https://", "no link"),
        ("http:///01/09520123456788", "no link"),
        ("ftp://x.example/01/09520123456788", "no link"),
        ("0109520123456788", "no link"),
    ];
    for (uri, expected) in cases {
        assert_eq!(linked(uri), expected, "{uri}");
    }
    let options = LinkOptions {
        zero_suppressed_gtin: true,
    };
    let short = to_element_string("https://x.example/01/9520123456788", options);
    assert_eq!(short.as_deref(), Ok("0109520123456788"));
}
