//! Which very things a source says it sold.

use super::*;

/// The things that facts name, as `+THING` sold or `-THING` back; `?` for pieces without a name.
fn things(found: &[Found]) -> Vec<String> {
    let facts = found.iter().filter_map(|it| match it {
        Found::Fact(fact) => Some(&fact.goods),
        Found::Fault(_) => None,
    });
    let goods = facts.flatten().map(|it| {
        let sign = if it.comes_back { '-' } else { '+' };
        format!("{sign}{}x{}", it.thing.as_deref().unwrap_or("?"), it.pieces)
    });
    goods.collect()
}

#[test]
fn every_source_says_which_very_things_it_sold() {
    let csv = "invoice;time;gtin;quantity;unit_price;Serial;EPC\n\
        1;2026-11-21T10:00:00Z;11111110;1;1.00;42;\n\
        1;2026-11-21T10:00:00Z;;1;1.00;;tag:A\n\
        1;2026-11-21T10:00:00Z;11111110;2;1.00;43;\n\
        1;2026-11-21T10:00:00Z;11111110;-1;1.00;44;\n\
        1;2026-11-21T10:00:00Z;11111110;1;1.00;;\n\
        1;2026-11-21T10:00:00Z;;1;1.00;;nonsense\n";
    let mut found = Vec::new();
    let source = SourceId::new("pos").unwrap();
    let counts = with_context(|context| {
        let mut reader = CsvImport::new(context, source, None);
        reader.push(csv.as_bytes(), &mut found);
        reader.finish(&mut found).unwrap()
    });
    // Two pieces are no one thing, and what can't be read is a fault and not a sale of nothing.
    let told = ["+11111110/42x1", "+Ax1", "+?x2", "-11111110/44x1", "+?x1"];
    assert_eq!(things(&found), told);
    assert_eq!((counts.lines, counts.faults), (5, 1));

    let body = r#"{"till":"pos","transaction":"1","time":"2026-11-21T10:00:00Z","lines":[
        {"code":"11111110","serial":"42","quantity":1},
        {"epc":"tag:B","quantity":1,"return":true},
        {"code":"11111110","epc":"nonsense","quantity":1}]}"#;
    let fact = with_context(|context| api::read(body.as_bytes(), &context).unwrap());
    let told = ["+11111110/42x1", "-Bx1", "+?x1"];
    assert_eq!(things(&[Found::Fact(Box::new(fact))]), told);
    let body = body.replace(
        r#""code":"11111110","epc":"nonsense""#,
        r#""epc":"nonsense""#,
    );
    let refused = with_context(|context| api::read(body.as_bytes(), &context).unwrap_err());
    assert!(refused.to_string().contains("no tag"), "{refused}");
}
