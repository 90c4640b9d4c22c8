//! The worked examples of the standard and of other software's bugs, one line each; round trips;
//! arbitrary bits.

use proptest::prelude::*;

use super::*;
use crate::barcode::Gtin;

/// Half a byte at the end is filled up.
fn bytes(hex: &str) -> EpcBytes {
    let even = if hex.len().is_multiple_of(2) {
        hex.to_owned()
    } else {
        format!("{hex}0")
    };
    EpcBytes::from_hex(&even).unwrap_or_else(|| panic!("{hex} is not hexadecimal"))
}

fn tag(hex: &str) -> Tag {
    let epc = bytes(hex);
    Tag::decode(epc.as_slice()).unwrap_or_else(|fault| panic!("{fault}"))
}

#[track_caller]
fn means(hex: &str, filter: u8, element_string: &str) {
    let read = tag(hex);
    assert_eq!(
        (read.filter, read.to_element_string().as_str()),
        (filter, element_string),
        "{hex}"
    );
    let back = read.encode().unwrap();
    assert!(
        hex.to_uppercase()
            .starts_with(back.to_string().trim_end_matches('0'))
            || back.to_string().starts_with(&hex.to_uppercase()),
        "{hex} became {back}"
    );
    assert_eq!(Tag::decode(back.as_slice()), Ok(read), "{hex}");
}

#[test]
fn worked_examples() {
    means("3074257BF7194E4000001A85", 3, "0180614141123458216789");
    means("3034F487B4209C400000002A", 1, "01040063813339312142");
    means("302E32C919405640000003E9", 1, "0105901234123457211001");
    // The check digit is 0, where other software wrote 10.
    means("3036142C8C008F8000053244", 1, "010871913900574021340548");
    means(
        "3674257BF6B7A659B2C2BF1000000000000000000000000000",
        3,
        "01706141411234512132a/b",
    );
    means("3174257BF4499602D2000000", 3, "00106141412345678908");
    means("3274257BF46072000000162E", 3, "41406141411234522545678");
    means("3376451FD40C0E400000162E", 3, "8003095211411234545678");
    means("3474257BF40000000000162E", 3, "800406141415678");
    means("F73795211411234538566CB0AFC4", 3, "01795211411234532132a/b");
    means("F90095201234567891235", 0, "00095201234567891235");
    means("F2395211411234548566CB0AFC4", 3, "414952114112345425432a/b");
    means("F13095211411234548566CB0AFC4", 3, "80030952114112345432a/b");
    means(
        "FB342CDE795211411234538566CB0AFC4",
        3,
        "0179521141123453172206302132a/b",
    );
}

#[test]
fn uris_both_ways() {
    for (hex, pure, whole) in [
        (
            "3074257BF7194E4000001A85",
            "sgtin:0614141.812345.6789",
            "sgtin-96:3.0614141.812345.6789",
        ),
        (
            "3174257BF4499602D2000000",
            "sscc:0614141.1234567890",
            "sscc-96:3.0614141.1234567890",
        ),
        (
            "3274257BF46072000000162E",
            "sgln:0614141.12345.5678",
            "sgln-96:3.0614141.12345.5678",
        ),
        (
            "3376451FD40C0E400000162E",
            "grai:9521141.12345.5678",
            "grai-96:3.9521141.12345.5678",
        ),
        (
            "3474257BF40000000000162E",
            "giai:0614141.5678",
            "giai-96:3.0614141.5678",
        ),
        (
            "3674257BF6B7A659B2C2BF10",
            "sgtin:0614141.712345.32a%2Fb",
            "sgtin-198:3.0614141.712345.32a%2Fb",
        ),
    ] {
        let mut epc = EpcBytes::from_hex(hex).unwrap().as_slice().to_vec();
        if hex.starts_with("36") {
            epc.resize(26, 0);
        }
        let read = Tag::decode(&epc).unwrap();
        let (pure, whole) = (format!("urn:epc:id:{pure}"), format!("urn:epc:tag:{whole}"));
        assert_eq!(read.identity.to_pure_uri().as_deref(), Some(&*pure));
        assert_eq!(read.to_tag_uri().as_deref(), Some(&*whole));
        assert_eq!(Identity::from_pure_uri(&pure), Ok(read.identity));
        assert_eq!(Tag::from_tag_uri(&whole), Ok(read));
    }
    let raw = raw_uri(&EpcBytes::from_hex("E2801160600002").unwrap());
    assert_eq!(raw, "urn:epc:raw:56.xE2801160600002");
}

#[test]
fn digital_links_both_ways() {
    for (hex, link) in [
        (
            "F73795211411234538566CB0AFC4",
            "01/79521141123453/21/32a%2Fb",
        ),
        ("3174257BF4499602D2000000", "00/106141412345678908"),
        ("3274257BF46072000000162E", "414/0614141123452/254/5678"),
        ("3376451FD40C0E400000162E", "8003/095211411234545678"),
        ("3474257BF40000000000162E", "8004/06141415678"),
    ] {
        let link = format!("https://id.gs1.org/{link}");
        assert_eq!(tag(hex).identity.to_digital_link(), link);
        assert_eq!(Identity::from_digital_link(&link), Ok(tag(hex).identity));
    }
    let without_serial = Identity::from_digital_link("https://id.gs1.org/01/79521141123453");
    assert_eq!(without_serial, Err(ElementError::NoKey));
}

#[track_caller]
fn refused(hex: &str, reason: EpcFaultReason) {
    let epc = bytes(hex);
    let fault = Tag::decode(epc.as_slice()).unwrap_err();
    assert_eq!((fault.reason, fault.raw), (reason, epc));
}

#[test]
fn illegal_bits_are_faults_that_keep_them() {
    use EpcFaultReason as Reason;
    refused("E28011606000020912345678", Reason::NotGs1(0xE2));
    refused("3500000000000000000000AA", Reason::NotRead("GID-96"));
    refused("FD00000000", Reason::NotRead("SGTIN++"));
    refused("301C00000000000000000001", Reason::Partition);
    // A company prefix above its digits.
    refused("3057FFFFFFFFFFFFFFFFFFFF", Reason::TooManyDigits);
    refused("3074257BF7194E4000001A", Reason::Short);
    refused("3174257BF4499602D2000001", Reason::Reserved);
    refused("F737952114112345A8566CB0AFC4", Reason::Digit);
    refused("F73795211411234548566CB0AFC4", Reason::CheckDigit);
    refused("301400000000000000000001", Reason::Zero);
    refused("FB3F2CDE795211411234538566CB0AFC4", Reason::Date);
    assert_eq!(Tag::decode(&[]).unwrap_err().reason, Reason::Length);
    assert_eq!(Tag::decode(&[0x30; 63]).unwrap_err().reason, Reason::Length);
}

#[test]
fn a_tag_numbered_by_iso_is_no_article() {
    let epc = EpcBytes::from_hex("3074257BF7194E4000001A85").unwrap();
    let fault = Tag::decode_with_control(ProtocolControl(0x3100), epc.as_slice()).unwrap_err();
    assert_eq!(fault.reason, EpcFaultReason::Iso);
    assert!(Tag::decode_with_control(ProtocolControl(0x3400), epc.as_slice()).is_ok());
}

#[test]
fn control_word_and_check_sum() {
    // Frames captured from readers: control word and EPC, then the sum that the tag sent.
    for (hex, sum) in [
        ("3000E280699500005009F1286992", 0x620A),
        ("3400300ED89F3350015A1E3DF506", 0x0690),
    ] {
        let bytes = EpcBytes::from_hex(hex).unwrap();
        let (pc, epc) = split_protocol_control(bytes.as_slice()).unwrap();
        assert_eq!(gen2_crc(pc, epc.as_slice()), sum, "{hex}");
        assert_eq!(
            (pc.words(), pc.epc_bytes(), epc.as_slice().len()),
            (6, 12, 12)
        );
        assert_eq!(pc.has_user_memory(), hex.starts_with("34"));
    }
    let doubled = EpcBytes::new(b"3074257BF7194E4000001A85").unwrap();
    let single = EpcBytes::from_hex("3074257BF7194E4000001A85");
    assert_eq!(doubled.undoubled(), single);
    assert_eq!(single.unwrap().undoubled(), None);
}

#[test]
fn a_list_of_company_prefixes_completes_a_label() {
    let list = CompanyPrefixes::parse("# test\n400,7\n4006381\t7\n0614141 7\n9,0\n").unwrap();
    let label = Identity::from_element_string("01040063813339312142").unwrap();
    let plain = Tag::new(Scheme::Sgtin96, filter::POINT_OF_SALE, label);
    assert_eq!(plain.encode(), Err(EncodeError::CompanyPrefix));
    let known = Tag::new(Scheme::Sgtin96, filter::POINT_OF_SALE, list.complete(label));
    assert_eq!(
        known.encode().unwrap().to_string(),
        "3034F487B4209C400000002A"
    );
    assert!(known.is_point_of_sale_item());
    assert_eq!(known.identity.gtin(), Gtin::parse("4006381333931").ok());
    assert_eq!(list.length_of("9521141"), None);
    assert_eq!(
        CompanyPrefixes::parse("400,7\nx"),
        Err(PrefixTableError::Line(2))
    );
}

#[test]
fn what_a_scheme_cannot_hold_is_refused() {
    let label = |serial| {
        let gtin = Gtin::parse("4006381333931").unwrap();
        Identity::sgtin(gtin, serial)
            .unwrap()
            .with_company_prefix(7)
            .unwrap()
    };
    for (serial, short) in [
        ("274877906943", true),
        ("274877906944", false),
        ("042", false),
    ] {
        let tag = Tag::new(Scheme::Sgtin96, 1, label(serial));
        assert_eq!(tag.encode().is_ok(), short, "{serial}");
        assert!(
            Tag::new(Scheme::Sgtin198, 1, label(serial))
                .encode()
                .is_ok()
        );
        assert!(
            Tag::new(Scheme::SgtinPlus, 1, label(serial))
                .encode()
                .is_ok()
        );
    }
    assert_eq!(
        Tag::new(Scheme::Sscc96, 1, label("1")).encode(),
        Err(EncodeError::Key)
    );
    assert_eq!(
        Tag::new(Scheme::DsgtinPlus, 1, label("1")).encode(),
        Err(EncodeError::Date)
    );
    assert_eq!(
        label("1").with_company_prefix(5),
        Err(IdentityError::CompanyPrefix(5))
    );
    assert_eq!(
        Identity::new(Key::Sgtin, 4_006_381_333_932, Serial::new("1").unwrap()),
        Err(IdentityError::CheckDigit)
    );
    assert_eq!(
        Identity::new(
            Key::Sscc,
            106_141_412_345_678_908,
            Serial::new("1").unwrap()
        ),
        Err(IdentityError::Serial)
    );
}

#[test]
fn the_table_is_in_the_order_of_the_schemes() {
    for scheme in Scheme::all() {
        assert_eq!(scheme.row().scheme, scheme);
        assert_eq!(
            scheme::row_of_header(scheme.row().header).unwrap().scheme,
            scheme
        );
    }
}

/// Any legal tag.
fn any_tag() -> impl Strategy<Value = Tag> {
    let schemes: Vec<Scheme> = Scheme::all().collect();
    (
        proptest::sample::select(schemes),
        0_u8..8,
        6_u8..=12,
        1_u64..1_000_000_000_000_000_000,
        "[!\"%-?A-Z_a-z]{1,13}",
        0_u64..1 << 38,
        (0_u8..7, 0_u8..100, 1_u8..13, 0_u8..32),
    )
        .prop_map(|(scheme, filter, prefix, number, text, serial, date)| {
            let key = scheme.key();
            let form = key.form();
            let body = 1 + number % (scheme::power_of_ten(form.digits.max(1) - 1)).max(2);
            let numeric = scheme.name().ends_with("96");
            let mut serial = if numeric { serial.to_string() } else { text };
            if form.serial_chars_max == 0 {
                serial.clear();
            }
            let (number, serial) = if key == Key::Giai {
                (
                    0,
                    format!("{:012}{serial}", 614_141_000_000_u64 + number % 1000),
                )
            } else {
                let body = body % scheme::power_of_ten(form.digits - 1);
                let body = body.max(1);
                (body * 10 + identity::check_digit(body), serial)
            };
            let identity = Identity::new(key, number, Serial::new(&serial).unwrap())
                .and_then(|identity| identity.with_company_prefix(prefix));
            let mut tag = Tag::new(scheme, filter, identity.unwrap());
            if scheme == Scheme::DsgtinPlus {
                let (kind, year, month, day) = date;
                tag.date = Some(TagDate {
                    kind,
                    year,
                    month,
                    day,
                });
            }
            tag
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(tag in any_tag()) {
        let bits = tag.encode();
        // A GIAI whose reference begins with zero has no form of 96 bits.
        prop_assume!(!(tag.scheme == Scheme::Giai96 && bits.is_err()));
        prop_assert_eq!(Tag::decode(bits.unwrap().as_slice()), Ok(tag));
    }

    #[test]
    fn every_form_of_an_identity_is_the_same_identity(tag in any_tag()) {
        let identity = tag.identity;
        prop_assert_eq!(Identity::from_pure_uri(&identity.to_pure_uri().unwrap()), Ok(identity));
        prop_assert_eq!(Identity::from_element_string(&identity.to_element_string()), Ok(identity));
        prop_assert_eq!(Identity::from_digital_link(&identity.to_digital_link()), Ok(identity));
        if let (Some(uri), Ok(_)) = (tag.to_tag_uri(), tag.encode()) {
            prop_assert_eq!(Tag::from_tag_uri(&uri), Ok(tag));
        }
    }

    #[test]
    fn any_bits_are_a_tag_that_reads_the_same_again_or_a_fault(
        header in proptest::sample::select(vec![0x30_u8, 0x31, 0x32, 0x33, 0x34, 0x36, 0x37, 0x38, 0x39, 0xF7, 0xFB, 0xFA, 0xF1]),
        rest in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bits = vec![header];
        bits.extend(rest);
        match Tag::decode(&bits) {
            Ok(tag) => {
                let again = tag.encode().unwrap();
                prop_assert_eq!(Tag::decode(again.as_slice()), Ok(tag));
            }
            Err(fault) => prop_assert_eq!(fault.raw.as_slice(), &bits[..]),
        }
    }
}
