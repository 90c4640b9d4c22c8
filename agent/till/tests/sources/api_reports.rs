//! Sales that a system reports one by one over the API.

use super::*;

#[test]
fn an_api_sale_becomes_one_document() {
    let imported = api(SALE).unwrap();
    assert_eq!(imported.key.receipt.as_str(), "815");
    assert_eq!(imported.body_hash, hash(SALE.as_bytes()));
    let [draft] = recorded(&imported) else {
        panic!()
    };
    draft.validate().unwrap();
    assert_eq!(draft.source.as_ref(), Some(&imported.key));
    let [known, unknown, returned, open] = draft.lines.as_slice() else {
        panic!()
    };
    assert_eq!(known.amount, Some(Money::minor(500)));
    assert_eq!(known.effective, Timestamp::from_millis(1_795_266_180_000));
    assert_eq!(
        unknown.subject,
        Subject::Unbound(Code::new("04006381333919").unwrap())
    );
    assert_eq!(
        (unknown.quantity, unknown.amount),
        (Quantity::thousandths(375), Some(Money::minor(370)))
    );
    assert_eq!(
        (&returned.from, &returned.to),
        (&Location::Customer, &Location::Damaged)
    );
    assert_eq!(returned.amount, Some(Money::minor(-500)));
    assert_eq!(open.subject, Subject::Open);
    let reference = draft.tenders[0].reference.as_ref().unwrap();
    assert_eq!(reference.as_str(), "************1111");
}

#[test]
fn a_report_from_the_future_is_told_apart() {
    let imported = api(SALE).unwrap();
    let at = |ahead| Timestamp::from_millis(1_795_266_180_000 - ahead);
    assert_eq!(imported.ahead_ms(at(REPORT_AHEAD_MS_MAX)), None);
    assert_eq!(imported.ahead_ms(at(86_400_000)), Some(86_400_000));
    assert_eq!(imported.ahead_ms(at(-86_400_000)), None, "late is no fault");
}

#[test]
fn an_api_void_names_its_sale() {
    let imported = api(
        r#"{"till": "2", "transaction": "815", "action": "void", "time": "2026-11-21T15:00:00"}"#,
    )
    .unwrap();
    assert_eq!(imported.key.action, SourceAction::Void);
    let Work::Void { sale, reason, .. } = imported.work else {
        panic!()
    };
    assert_eq!(
        (sale.receipt.as_str(), sale.action, reason.as_str()),
        ("815", SourceAction::Record, "voided")
    );
}

#[test]
fn bad_bodies_say_where_and_what() {
    let changed = |from: &str, to: &str| {
        assert!(SALE.contains(from), "{from}");
        SALE.replacen(from, to, 1)
    };
    let table = [
        (String::new(), "the body is no sale document"),
        ("[]".into(), "the body is no sale document"),
        ("\u{0}".into(), "the body is no sale document"),
        (
            SALE[..SALE.len() / 2].into(),
            "the body is no sale document",
        ),
        ("[".repeat(100_000), "the body is no sale document"),
        (
            changed("berlin-1", "hamburg-1"),
            "store: this PC belongs to the store `berlin-1`",
        ),
        (changed("\"till\": \"2\"", "\"till\": \"2/3\""), "till: "),
        (
            changed("\"815\"", "\"\""),
            "transaction: a receipt number is empty",
        ),
        (changed("14:03:00+01:00", "25:03:00"), "time: "),
        (
            changed("\"2\", \"unit", "\"2.0001\", \"unit"),
            "lines[0].quantity: ",
        ),
        (
            changed("\"2\", \"unit", "0, \"unit"),
            "lines[0]: the quantity is zero",
        ),
        (
            changed("\"2\", \"unit", "1e3, \"unit"),
            "lines[0].quantity: ",
        ),
        (
            changed("\"2\", \"unit", "99999999, \"unit"),
            "lines[0]: the quantity is zero or too large",
        ),
        (
            changed("\"2\", \"unit", "null, \"unit"),
            "lines[0].quantity: ",
        ),
        (changed("2.50", "2.505"), "lines[0].unit_price: "),
        (
            changed("4006381333931", "hello"),
            "lines[0]: the code can't be used: it is no GTIN",
        ),
        (
            changed("A-7", "B-7"),
            "lines[2]: no item has the number `B-7`",
        ),
        (changed("\"damaged\"", "\"the bin\""), "lines[2].to: "),
        (
            changed(", \"unit_price\": \"1.00\"", ""),
            "lines[3]: there is neither",
        ),
        (
            changed("\"card\"", "\"shells\""),
            "the body is no sale document",
        ),
        (changed("\"4.70\"", "\"4,7,0\""), "payments[0].amount: "),
        (
            changed("\"store\"", "\"action\": \"void\", \"store\""),
            "lines: a void undoes its whole receipt",
        ),
        (
            format!("{{\"a\": \"{}\"}}", "x".repeat(2 * 1024 * 1024)),
            "the body has 2097161 bytes",
        ),
    ];
    for (body, want) in table {
        let error = api(&body).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(want), "{text:?} for {want:?}");
        assert!(error.fault(body.as_bytes()).raw.chars().count() <= FAULT_RAW_CHARS_MAX);
    }
}

#[test]
fn a_large_api_sale_is_a_group_that_repeats_exactly() {
    let line = r#"{"code": "4006381333931", "quantity": 1}"#;
    let lines = vec![line; 1_300].join(",");
    let body = format!(
        r#"{{"till": "2", "transaction": "9", "time": "2026-11-21T14:03:00Z", "lines": [{lines}]}}"#
    );
    let (first, again) = (api(&body).unwrap(), api(&body).unwrap());
    assert_eq!(first, again);
    let parts = recorded(&first);
    assert!(parts.len() >= 3);
    assert_eq!(parts.iter().map(|it| it.lines.len()).sum::<usize>(), 1_300);
    parts.iter().for_each(|it| it.validate().unwrap());
}
