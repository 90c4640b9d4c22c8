//! Table checks of article numbers, templates, prefixes and of [`interpret`].

use super::{
    Aim, BadReason, Barcode, Gtin, GtinError, Measure, MeasureTemplate, MeasureUnit, PrefixScheme,
    Refused, Restriction, ScanText, Symbology, check_digit, interpret, price_check_digit,
};

#[test]
fn check_digits() {
    for good in [
        "5901234123457",
        "4006381333931",
        "036000291452",
        "96385074",
        "02345673",
        "15400141288763",
        "2112345678900",
        "2112345012506",
        "212345928752",
    ] {
        assert!(Gtin::parse(good).is_ok(), "{good}");
        let (body, last) = good.as_bytes().split_at(good.len() - 1);
        assert_eq!(check_digit(body), last[0], "{good}");
        let wrong = format!("{}{}", &good[..good.len() - 1], (last[0] - b'0' + 1) % 10);
        assert_eq!(Gtin::parse(&wrong), Err(GtinError::CheckDigit), "{wrong}");
    }
    assert_eq!(Gtin::parse("123"), Err(GtinError::Length(3)));
    assert_eq!(Gtin::parse("40063813339a1"), Err(GtinError::NotDigits));
    assert_eq!(Gtin::parse("0000000000000"), Err(GtinError::Zero));
}

#[test]
fn gtins_are_normalised() {
    let ean = Gtin::parse("0036000291452").unwrap();
    assert_eq!(ean, Gtin::parse("036000291452").unwrap());
    assert_eq!(ean, Gtin::parse("00036000291452").unwrap());
    assert_eq!(
        (ean.to_string().as_str(), ean.short().as_str()),
        ("00036000291452", "036000291452")
    );
    assert_eq!(
        Gtin::parse("96385074").unwrap().to_string(),
        "00000096385074"
    );
    assert_eq!(Gtin::parse("96385074").unwrap().short(), "96385074");
    assert_eq!(
        Gtin::parse("15400141288763").unwrap().short(),
        "15400141288763"
    );
}

#[test]
fn upc_e_is_checked_expanded() {
    for (short, long) in [
        ("04252614", "042100005264"),
        ("09135789", "091357000089"),
        ("07382034", "073800000204"),
        ("02468090", "024680000099"),
    ] {
        let long = Gtin::parse(long).unwrap();
        let body = &short[..7];
        assert_eq!(Gtin::from_upc_e(body), Ok(long), "{body}");
        assert_eq!(Gtin::from_upc_e(&body[1..]), Ok(long), "{body}");
        let check = &long.to_string()[13..];
        assert_eq!(
            Gtin::from_upc_e(&format!("{body}{check}")),
            Ok(long),
            "{body}"
        );
    }
    assert_eq!(
        Gtin::from_upc_e("04252614").unwrap().short(),
        "042100005264"
    );
    assert_eq!(Gtin::from_upc_e("04252615"), Err(GtinError::CheckDigit));
    assert_eq!(Gtin::from_upc_e("24252614"), Err(GtinError::NumberSystem));
    assert_eq!(Gtin::from_upc_e("42526"), Err(GtinError::Length(5)));
}

#[test]
fn restricted_numbers_are_known() {
    let of = |text: &str| Gtin::parse(text).unwrap().restriction();
    assert_eq!(of("2112345678900"), Some(Restriction::Store));
    assert_eq!(of("212345928752"), Some(Restriction::Store));
    assert_eq!(of("4006381333931"), None);
    assert_eq!(of("036000291452"), None);
    assert_eq!(of("02345673"), Some(Restriction::Company));
    assert_eq!(of("96385074"), None);
    assert_eq!(of("15400141288763"), None);
    let with_check = |body: &str| format!("{body}{}", char::from(check_digit(body.as_bytes())));
    for (body, expected) in [
        ("979999999999", None),
        ("980000000000", Some(Restriction::Coupon)),
        ("984999999999", Some(Restriction::Coupon)),
        ("985000000000", None),
        ("989999999999", None),
        ("990000000000", Some(Restriction::Coupon)),
        ("019999999999", None),
        ("020000000000", Some(Restriction::Store)),
        ("040000000000", Some(Restriction::Company)),
        ("050000000000", Some(Restriction::Coupon)),
        ("300000000000", None),
    ] {
        assert_eq!(of(&with_check(body)), expected, "{body}");
    }
}

#[test]
fn price_check_digits() {
    assert_eq!(price_check_digit(b"2875"), Some(b'9'));
    assert_eq!(price_check_digit(b"14685"), Some(b'6'));
    assert_eq!(price_check_digit(b"123"), None);
}

fn weight() -> MeasureTemplate {
    MeasureTemplate::letters("21IIIIIWWWWWC", MeasureUnit::Kilogram, 3).unwrap()
}

#[test]
fn templates_read_measures() {
    let read = |template: &MeasureTemplate, text: &str| template.read(text.as_bytes());
    let item = "12345".to_owned();
    assert_eq!(
        read(&weight(), "2112345012506"),
        Some((item.clone(), Measure::Weight(1250)))
    );
    let braces = MeasureTemplate::braces("21.....{NNDDD}", MeasureUnit::Kilogram).unwrap();
    assert_eq!(
        read(&braces, "2112345012506"),
        Some((item.clone(), Measure::Weight(1250)))
    );
    assert_eq!(read(&braces, "2212345012503"), None);
    let price = MeasureTemplate::braces("23.....{NNNDD}", MeasureUnit::Price).unwrap();
    assert_eq!(
        read(&price, "2312345012504"),
        Some((item.clone(), Measure::Price(1250)))
    );
    let yen = price.currency_decimals(0);
    assert_eq!(
        read(&yen, "2312345012504"),
        Some((item.clone(), Measure::Price(13)))
    );
    let upc = MeasureTemplate::letters("2IIIIIVPPPPC", MeasureUnit::Price, 2).unwrap();
    assert_eq!(
        read(&upc, "212345928752"),
        Some((item.clone(), Measure::Price(2875)))
    );
    assert_eq!(
        read(&upc, "0212345928752"),
        Some((item.clone(), Measure::Price(2875)))
    );
    assert_eq!(read(&upc, "212345828752"), None, "price check digit");
    let pounds = MeasureTemplate::letters("2IIIII.WWWWC", MeasureUnit::Pound, 2).unwrap();
    assert_eq!(
        read(&pounds, "212345901002"),
        Some((item.clone(), Measure::Weight(454)))
    );
    let count = MeasureTemplate::letters("29IIIIIQQQQQC", MeasureUnit::Count, 0).unwrap();
    assert_eq!(
        read(&count, "2912345000121"),
        Some((item, Measure::Count(12)))
    );
    for wrong in ["21IIIII", "21IIIIIWWWWXC", "2112345678900", "21IIIIIIIIIIC"] {
        assert!(
            MeasureTemplate::letters(wrong, MeasureUnit::Count, 0).is_err(),
            "{wrong}"
        );
    }
    assert!(MeasureTemplate::braces("21.....{NNDDD", MeasureUnit::Count).is_ok());
    assert!(MeasureTemplate::braces("21..}..{NNDDD}", MeasureUnit::Count).is_err());
}

/// One line per meaning, as in the tables below.
fn means(barcode: &Barcode) -> String {
    match barcode {
        Barcode::Gtin(gtin) => format!("gtin {}", gtin.short()),
        Barcode::Gs1(elements) => format!(
            "gs1 {} {}",
            elements.gtin().map_or_else(|| "-".to_owned(), Gtin::short),
            elements.text().replace('\x1d', "~"),
        ),
        Barcode::VariableMeasure {
            item_code, measure, ..
        } => format!("{item_code} {measure:?}"),
        Barcode::Internal(text) => format!("internal {text}"),
        Barcode::Ambiguous8(text) => format!("ambiguous {text}"),
        Barcode::Refused(Refused { kind, last4 }) => {
            let last4 = last4.map_or("-".into(), |l| String::from_utf8_lossy(&l).into_owned());
            format!("refused {kind:?} {last4}")
        }
        Barcode::Bad { reason, masked } => format!("bad {reason}: {masked}"),
    }
}

#[test]
fn scans_without_symbology() {
    let cases = [
        ("4006381333931\r\n", "gtin 4006381333931"),
        (" 036000291452 ", "gtin 036000291452"),
        ("15400141288763", "gtin 15400141288763"),
        ("96385074", "gtin 96385074"),
        ("04252614", "gtin 042100005264"),
        (
            "12345678",
            "bad no article number: the check digit does not fit: misread or mistyped: ****5678",
        ),
        ("2112345012506", "12345 Weight(1250)"),
        ("2212345012503", "internal 2212345012503"),
        ("SHELF-42", "internal SHELF-42"),
        ("42", "internal 42"),
        (
            "4006381333935",
            "bad no article number: the check digit does not fit: misread or mistyped: *********3935",
        ),
        ("0104006381333931", "gs1 4006381333931 0104006381333931"),
        (
            "010952012345678810A\x1d17271231",
            "gs1 9520123456788 010952012345678810A~17271231",
        ),
        ("]C10109520123456788", "gs1 9520123456788 0109520123456788"),
        ("00106141412345678908", "gs1 - 00106141412345678908"),
        (
            "https://id.gs1.org/01/09520123456788",
            "gs1 9520123456788 0109520123456788",
        ),
        (
            "https://example.com/menu",
            "internal https://example.com/menu",
        ),
        ("10ABCDEFGHIJKLMNOP", "internal 10ABCDEFGHIJKLMNOP"),
        ("\r\n", "bad the scan is empty: "),
        ("A\x01B", "bad the scan is no text: A\\x01B"),
        (
            "BOX 4111111111111111 PC 12",
            "internal BOX 4111111111111111 PC 12",
        ),
    ];
    for (text, expected) in cases {
        let barcode = interpret(&ScanText::plain(text.as_bytes()), &[weight()]);
        assert_eq!(means(&barcode), expected, "{text:?}");
    }
    let long = "7".repeat(9000);
    let barcode = interpret(&ScanText::plain(long.as_bytes()), &[]);
    assert!(
        matches!(barcode, Barcode::Bad { reason: BadReason::TooLong, masked } if masked.len() <= 64)
    );
}

#[test]
fn payment_means_are_refused() {
    let cases = [
        ("4111111111111111", "refused CardNumber 1111"),
        ("378282246310005", "refused CardNumber 0005"),
        (
            "%B4111111111111111^DOE/J^2712101?;4111111111111111=27121010000?",
            "refused MagneticStripe 1111",
        ),
        (
            ";4111111111111111=27121010000?",
            "refused MagneticStripe 1111",
        ),
        (
            "4111111111111111=27121010000",
            "refused MagneticStripe 1111",
        ),
        (
            "ö4111111111111111´27121010000_",
            "refused MagneticStripe 1111",
        ),
        (
            "5B4111111111111111&DOE/J&2712101",
            "refused MagneticStripe 1111",
        ),
        ("hQVDUFYwMWETTwegAAAAVVVVVV", "refused Wallet -"),
        ("134512345678901237", "refused Wallet 1237"),
        ("280123456789012345", "refused Wallet 2345"),
    ];
    for (text, expected) in cases {
        let barcode = interpret(&ScanText::plain(text.as_bytes()), &[weight()]);
        assert_eq!(means(&barcode), expected, "{text:?}");
        assert!(!format!("{barcode:?}").contains("411111"), "{barcode:?}");
    }
}

#[test]
fn eight_digits_that_are_both_stay_open() {
    // Every body is tried: some number must be valid in both readings.
    let both = (0..10_000_000_u32)
        .step_by(7)
        .map(|n| {
            format!(
                "{n:07}{}",
                char::from(check_digit(format!("{n:07}").as_bytes()))
            )
        })
        .find(|text| text.starts_with("01") && Gtin::from_upc_e(text).is_ok())
        .unwrap();
    let barcode = interpret(&ScanText::plain(both.as_bytes()), &[]);
    assert_eq!(barcode, Barcode::Ambiguous8(both.clone()));
    let aim = |text: &str| {
        let text = format!("]{text}{both}");
        interpret(&PrefixScheme::Aim.split(text.as_bytes()), &[])
    };
    assert_eq!(
        aim("E4"),
        Barcode::Internal(both.clone()),
        "EAN-8 starting with 0"
    );
    assert_eq!(aim("E0"), Barcode::Gtin(Gtin::from_upc_e(&both).unwrap()));
}

#[test]
fn scans_with_aim() {
    let cases = [
        ("]E05901234123457", "gtin 5901234123457"),
        ("]E496385074", "gtin 96385074"),
        ("]E004252614", "gtin 042100005264"),
        ("]E0425261", "gtin 042100005264"),
        // Passes the card check as a whole; the symbol says that it is a book with its price.
        ("]E3978020137962412345", "gtin 9780201379624"),
        ("]E3978020137962452250", "gtin 9780201379624"),
        ("]E1977147396801201", "gtin 9771473968012"),
        ("]C10109520123456788", "gs1 9520123456788 0109520123456788"),
        // Sixteen digits that pass the card check, but a GS1-128 says that they are a batch.
        ("]C11011111111111118", "gs1 - 1011111111111118"),
        (
            "]Q1(01)09520123456788(10)AB(17)271231",
            "gs1 9520123456788 010952012345678810AB~17271231",
        ),
        ("]Q1(01)menu", "internal (01)menu"),
        (
            "]d201095201234567887999NEW\x1d10A",
            "gs1 9520123456788 01095201234567887999NEW~10A",
        ),
        (
            "]C1XYZ",
            "bad element string at byte 0: unknown application identifier: XYZ",
        ),
        (
            "]e0010952012345678832020001003922199",
            "gs1 9520123456788 010952012345678832020001003922199",
        ),
        (
            "]d2010952012345678821A\x1d",
            "gs1 9520123456788 010952012345678821A~",
        ),
        ("]C01234567890123", "internal 1234567890123"),
        ("]C05901234123457", "gtin 5901234123457"),
        ("]C012345678", "internal 12345678"),
        ("]A0SHELF-42", "internal SHELF-42"),
        (
            "]Q1https://id.gs1.org/01/09520123456788",
            "gs1 9520123456788 0109520123456788",
        ),
        ("]I115400141288763", "gtin 15400141288763"),
        ("]X996385074", "gtin 96385074"),
        (
            "]E0A901234123457",
            "bad no article number: a GTIN consists of digits only: A********3457",
        ),
    ];
    for (text, expected) in cases {
        let barcode = interpret(&PrefixScheme::Aim.split(text.as_bytes()), &[]);
        assert_eq!(means(&barcode), expected, "{text:?}");
    }
}

#[test]
fn prefixes() {
    let split = |scheme: PrefixScheme, text: &'static str| {
        let scan = scheme.split(text.as_bytes());
        (std::str::from_utf8(scan.text).unwrap(), scan.kind())
    };
    assert_eq!(
        split(PrefixScheme::DatalogicEu, "B5901234123457"),
        ("5901234123457", Symbology::Ean13)
    );
    assert_eq!(
        split(PrefixScheme::DatalogicEu, "k0109520123456788"),
        ("0109520123456788", Symbology::Gs1128)
    );
    assert_eq!(
        split(PrefixScheme::DatalogicEu, "ALFA"),
        ("ALFA", Symbology::Unknown)
    );
    assert_eq!(
        split(PrefixScheme::DatalogicUs, "FF96385074"),
        ("96385074", Symbology::Ean8)
    );
    assert_eq!(
        split(PrefixScheme::DatalogicUs, "F5901234123457"),
        ("5901234123457", Symbology::Ean13)
    );
    assert_eq!(
        split(PrefixScheme::DatalogicUs, "]C10109520123456788"),
        ("0109520123456788", Symbology::Gs1128)
    );
    assert_eq!(
        split(PrefixScheme::Honeywell, "d5901234123457"),
        ("5901234123457", Symbology::Ean13)
    );
    assert_eq!(
        split(PrefixScheme::Honeywell, "shttps://x"),
        ("https://x", Symbology::Qr)
    );
    assert_eq!(
        split(PrefixScheme::Aim, "]E05901234123457"),
        ("5901234123457", Symbology::Ean13)
    );
    assert_eq!(
        split(PrefixScheme::Aim, "5901234123457"),
        ("5901234123457", Symbology::Unknown)
    );
    assert_eq!(
        split(PrefixScheme::None, "]E05"),
        ("]E05", Symbology::Unknown)
    );
    assert_eq!(PrefixScheme::Honeywell.prefix(Symbology::Ean13, None), "d");
    let aim = Aim {
        code: b'E',
        modifier: b'0',
    };
    assert_eq!(PrefixScheme::Aim.prefix(Symbology::Ean13, Some(aim)), "]E0");
}

#[test]
fn a_refused_scan_has_no_text() {
    let barcode = interpret(&ScanText::plain(b"4111111111111111"), &[]);
    assert!(!format!("{barcode:?}").contains("411111"), "{barcode:?}");
    let scan = ScanText::plain(b"4111111111111111");
    assert!(!format!("{scan:?}").contains("411111"), "{scan:?}");
}

#[test]
fn names_and_numbers() {
    assert_eq!(
        PrefixScheme::from_name("datalogic-eu"),
        Some(PrefixScheme::DatalogicEu)
    );
    assert_eq!(PrefixScheme::from_name("x"), None);
    assert_eq!(MeasureUnit::from_name("lb"), Some(MeasureUnit::Pound));
    assert_eq!(Symbology::Gs1128.name(), "gs1-128");
    let gtin = |text: &str| interpret(&ScanText::plain(text.as_bytes()), &[]).gtin();
    assert_eq!(gtin("0104006381333931"), Gtin::parse("4006381333931").ok());
    assert_eq!(gtin("4006381333931"), Gtin::parse("4006381333931").ok());
    assert_eq!(
        gtin("0102112345678900"),
        None,
        "a store's own number in an element string"
    );
    assert_eq!(gtin("SHELF-42"), None);
}
