//! What encoders write, decoders read, however it is cut; and rubbish in between does no harm.

use proptest::prelude::*;
use shelf_codecs::barcode::{Aim, Barcode, Gtin, ScanText, check_digit, interpret};
use shelf_codecs::gs1::{Ai, Elements};
use shelf_codecs::scanner::hid_pos::{self, HidItem, HidPosDecoder, Layout};
use shelf_codecs::scanner::line::{self, LineConfig, LineDecoder, LineItem};
use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_codecs::scanner::wedge::{self, WedgeConfig, WedgeDecoder, WedgeItem};
use shelf_codecs::scanner::{Terminator, Terminators};

fn scan_text() -> impl Strategy<Value = String> {
    "[!-~]{1,80}"
}

fn layouts() -> impl Strategy<Value = KeyboardLayout> {
    use KeyboardLayout::{Be, De, Fr, It, Uk, Us};
    prop::sample::select(vec![Us, Uk, De, Fr, Be, It])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lines_survive_any_cut(
        texts in prop::collection::vec(scan_text(), 1..8),
        terminator in prop::sample::select(vec![
            Terminator::Cr, Terminator::Lf, Terminator::CrLf, Terminator::Tab, Terminator::Etx,
        ]),
        stx_required: bool,
        cuts in prop::collection::vec(1_usize..40, 1..60),
    ) {
        let config = LineConfig {
            terminators: Terminators::NONE.with(terminator),
            stx_required,
            suffix: b"|".to_vec(),
            ..LineConfig::default()
        };
        let mut bytes = Vec::new();
        for text in &texts {
            bytes.extend(line::encode(text.as_bytes(), &config, Some(terminator)));
        }
        let mut decoder = LineDecoder::new(config);
        let mut got = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*cut));
            decoder.push(now);
            got.extend(&mut decoder);
            rest = later;
        }
        let scans: Vec<String> = got
            .into_iter()
            .map(|item| match item {
                LineItem::Scan(scan) => String::from_utf8(scan.bytes).unwrap(),
                LineItem::Fault(fault) => format!("{fault:?}"),
            })
            .collect();
        prop_assert_eq!(scans, texts);
    }

    #[test]
    fn a_line_is_found_after_rubbish(noise: Vec<u8>, text in "[0-9A-Z]{6,40}") {
        let mut decoder = LineDecoder::new(LineConfig::default());
        decoder.push(&noise);
        decoder.push(b"\r");
        decoder.push(text.as_bytes());
        decoder.push(b"\r");
        let last = decoder.last();
        let found = matches!(&last, Some(LineItem::Scan(scan)) if scan.bytes == text.as_bytes());
        prop_assert!(found, "{:?}", last);
    }

    #[test]
    fn keys_type_the_text(text in "[0-9A-Za-z./+-]{1,60}", layout in layouts()) {
        let config = WedgeConfig { layout, ..WedgeConfig::default() };
        let events = wedge::encode(&text, &config, Some(Terminator::Cr)).unwrap();
        let mut decoder = WedgeDecoder::new(config);
        events.into_iter().for_each(|event| decoder.push(event));
        let Some(WedgeItem::Scan(scan)) = decoder.next() else { panic!("no scan") };
        prop_assert_eq!(scan.bytes, text.into_bytes());
    }

    #[test]
    fn reports_carry_the_code(
        text in "[ -~]{0,400}[!-~]",
        layout in prop::sample::select(vec![Layout::HONEYWELL]),
        noise in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let mut decoder = HidPosDecoder::new(vec![layout]);
        decoder.push(&noise, 0);
        decoder.flush_idle(10_000);
        while decoder.next().is_some() {}
        let aim = Aim { code: b'Q', modifier: b'1' };
        for report in hid_pos::encode(&layout, text.as_bytes(), Some(aim), b's') {
            decoder.push(&report, 20_000);
        }
        let Some(HidItem::Scan(scan)) = decoder.next() else { panic!("no scan") };
        prop_assert_eq!((scan.bytes, scan.aim), (text.into_bytes(), Some(aim)));
    }

    #[test]
    fn a_gtin_is_one_number_in_all_forms(body in "[1-9][0-9]{10}") {
        let upc = format!("{body}{}", char::from(check_digit(body.as_bytes())));
        let gtin = Gtin::parse(&upc).unwrap();
        prop_assert_eq!(gtin.short(), &*upc);
        prop_assert_eq!(Gtin::parse(&format!("0{upc}")), Ok(gtin));
        prop_assert_eq!(Gtin::parse(&gtin.to_string()), Ok(gtin));
        let scan = interpret(&ScanText::plain(upc.as_bytes()), &[]);
        let expected = match gtin.restriction() {
            None => Barcode::Gtin(gtin),
            Some(_) => Barcode::Internal(upc),
        };
        prop_assert_eq!(scan, expected);
    }

    #[test]
    fn elements_come_back(
        item in "[1-9][0-9]{12}",
        batch in "[0-9A-Za-z/.-]{1,20}",
        serial in "[0-9A-Za-z/.-]{1,20}",
        grams in 0_u32..1_000_000,
    ) {
        let gtin = format!("{item}{}", char::from(check_digit(item.as_bytes())));
        let text = format!("01{gtin}3103{grams:06}10{batch}\u{1d}21{serial}");
        let elements = Elements::parse(&text).unwrap();
        prop_assert_eq!(elements.gtin(), Gtin::parse(&gtin).ok());
        prop_assert_eq!(elements.get(Ai::BATCH), Some(&*batch));
        prop_assert_eq!(elements.get(Ai::SERIAL), Some(&*serial));
        prop_assert_eq!(elements.net_weight_g(), Some(i64::from(grams)));
        prop_assert_eq!(elements.check_pairings(), Ok(()));
        // Through a Digital Link it is the same.
        let link = format!(
            "https://x.example/01/{gtin}/10/{}/21/{}?3103={grams:06}",
            batch.replace('/', "%2F"), serial.replace('/', "%2f"),
        );
        let Barcode::Gs1(linked) = interpret(&ScanText::plain(link.as_bytes()), &[]) else {
            panic!("{link}")
        };
        prop_assert_eq!(linked.elements().unwrap().net_weight_g(), Some(i64::from(grams)));
        prop_assert_eq!(linked.elements().unwrap().get(Ai::SERIAL), Some(&*serial));
    }
}
