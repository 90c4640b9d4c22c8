//! Tables of good and bad rows.

use super::*;

fn complaints(import: &Import) -> Vec<String> {
    let one = |it: &Rejected| format!("{} {} `{}`: {}", it.line, it.field, it.value, it.problem);
    import.rejected.iter().map(one).collect()
}

#[test]
fn good_rows_go_in_and_bad_rows_are_named() {
    let text = "gtin,name,unit_price\n\
                9520000000011,*Boombox Ipod Classic,16.98\n\
                9520000000012,wrong check digit,1.00\n\
                ,no number,1.00\n\
                9520000000028,\"two\nlines\",1.00\n\
                9520000000035,,0.85\n\
                9520000000042,PRICE,1.234\n\
                9520000000059,FREE,\n\
                9520000000059,AGAIN,1\n\
                9520000000066,MINUS,-3\n";
    let import = csv(text).unwrap();
    let names: Vec<&str> = import.rows.iter().map(|it| it.item.name.as_str()).collect();
    assert_eq!(names, ["*Boombox Ipod Classic", "FREE"]);
    let first = &import.rows[0].item;
    assert_eq!(first.id.as_str(), "09520000000011");
    assert_eq!(first.codes, [Code::new("09520000000011").unwrap()]);
    assert_eq!(first.price, Some(Money::minor(1698)));
    assert_eq!(import.rows[1].item.price, None);
    assert_eq!(
        complaints(&import),
        [
            "3 gtin `9520000000012`: the check digit does not fit: misread or mistyped",
            "4 gtin ``: a row needs a `gtin` or an `item` number",
            "5 name `two\nlines`: a name has at most 200 bytes, all printable",
            "7 name ``: an item needs a name for cashiers to read",
            "8 unit_price `1.234`: write a price like 12.34, without currency",
            "10 row `09520000000059`: the item or one of its codes already stands in line 9",
            "11 unit_price `-3`: a price is not below zero",
        ]
    );
}

#[test]
fn json_rows_carry_more_and_name_their_lines() {
    let text = r#"[
  {"gtin": "9520000000011", "name": "A", "unit_price": 16.98},
  {"item": "4711", "name": "Potatoes", "unit": "kilogram", "kind": "weighed",
   "unit_price": "2.49", "quick_key": "Potatoes", "codes": ["in-store:4711"]},
  {"item": "x", "nmae": "typo"},
  {"item": "y", "name": "B", "codes": ["12"]}
]"#;
    let import = json(text).unwrap();
    assert_eq!(import.rows.len(), 2);
    assert_eq!(import.rows[0].item.price, Some(Money::minor(1698)));
    assert_eq!(import.rows[1].line, 3);
    assert_eq!(import.rows[1].item.kind, ItemKind::Weighed);
    let complaints = complaints(&import);
    assert!(complaints[0].starts_with("5 row"), "{complaints:?}");
    assert!(
        complaints[0].contains("unknown field `nmae`"),
        "{complaints:?}"
    );
    assert!(complaints[1].starts_with("6 codes `12`"), "{complaints:?}");
}

#[test]
fn other_spreadsheets_separate_with_semicolons() {
    let import = csv("\u{feff}gtin;name;unit_price\n9520000000011;A;16,98\n").unwrap();
    assert_eq!(import.rows[0].item.price, Some(Money::minor(1698)));
}

#[test]
fn what_is_no_import_fails_as_a_whole() {
    assert!(matches!(
        csv("a,b\n1,2\n"),
        Err(ImportError::Column { column: "name" })
    ));
    assert!(matches!(csv(""), Err(ImportError::Column { .. })));
    assert!(matches!(json("{}"), Err(ImportError::Json { line: 1, .. })));
    assert!(matches!(
        json("[\n{\n"),
        Err(ImportError::Json { line: 3, .. })
    ));
}
