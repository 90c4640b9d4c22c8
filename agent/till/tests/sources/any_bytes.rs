//! Damaged reports and noise: every fact that comes out is valid, and nothing panics.

use super::*;
use proptest::prelude::*;

/// Text that looks enough like a report to get past the first check.
fn mangled(base: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        0..base.len(),
        0..12_usize,
        prop::collection::vec(any::<u8>(), 0..6),
    );
    prop::collection::vec(edit, 0..6).prop_map(move |edits| {
        let mut bytes = base.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        bytes
    })
}

const POSLOG: &str = "<POSLog><Transaction><WorkstationID>3</WorkstationID><SequenceNumber>1</SequenceNumber><BusinessDayDate>2026-11-21</BusinessDayDate><EndDateTime>2026-11-21T14:03:00</EndDateTime><LineItem><Return><POSItemID>9520000039066</POSItemID><Quantity>2</Quantity></Return></LineItem></Transaction></POSLog>";

fn usable(fact: &Imported) {
    if let Work::Record(drafts) = &fact.work {
        assert!(!drafts.is_empty());
        drafts.iter().for_each(|it| it.validate().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_fact_is_valid_and_nothing_panics(
        body in mangled(SALE),
        rows in mangled(ROWS),
        log in mangled(POSLOG),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        piece in 1..50_usize,
    ) {
        for bytes in [&body, &rows, &log, &noise] {
            if let Ok(fact) = with_context(|it| api::read(bytes, &it)) {
                usable(&fact);
            }
            let (whole, counts) = csv(bytes, bytes.len().max(1));
            prop_assert_eq!(&(csv(bytes, piece)), &(whole.clone(), counts));
            let mut found = whole;
            let _counts = with_context(|it| poslog::read(bytes, &it, &mut found));
            for found in &found {
                match found {
                    Found::Fact(fact) => usable(fact),
                    Found::Fault(fault) => prop_assert!(fault.raw.chars().count() <= FAULT_RAW_CHARS_MAX),
                }
            }
        }
    }
}
