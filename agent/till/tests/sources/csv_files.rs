//! Sales out of CSV files.

use super::*;

#[test]
fn csv_rows_become_facts_or_faults() {
    let (found, counts) = csv(ROWS.as_bytes(), ROWS.len());
    insta::assert_snapshot!(told(&found));
    insta::assert_snapshot!(format!("{:?}", counts.unwrap()));
    let faults: Vec<_> = found
        .iter()
        .filter_map(|it| match it {
            Found::Fault(it) => Some(it),
            Found::Fact(_) => None,
        })
        .collect();
    assert!(faults.iter().all(|it| !it.raw.contains("4111111111111111")));
    for piece in [1, 7, 64] {
        assert_eq!(csv(ROWS.as_bytes(), piece).0, found, "in pieces of {piece}");
    }
    for draft in found
        .iter()
        .filter_map(|it| match it {
            Found::Fact(it) => Some(it),
            Found::Fault(_) => None,
        })
        .flat_map(|it| recorded(it))
    {
        draft.validate().unwrap();
    }
}

#[test]
fn bad_csv_files_are_told_apart_from_bad_rows() {
    let missing = |text: &[u8]| csv(text, 10).1.unwrap_err().missing;
    assert_eq!(missing(b""), "invoice");
    assert_eq!(missing(b"\x89PNG\r\n\x1a\n"), "invoice");
    assert_eq!(
        missing(b"invoice,time,gtin,quantity\n1,2,3,4\n"),
        "unit_price"
    );
    let semicolons = "Unit_Price;quantity;gtin;time;invoice;note\n1,50;0,5;9520000039066;2010-12-01 08:26;7;hello\n";
    assert_eq!(
        told(&csv(semicolons.as_bytes(), 99).0),
        "7 sale[0.5 floor>customer]"
    );
    let mut long = b"invoice,time,gtin,quantity,unit_price\n".to_vec();
    long.extend(vec![b'9'; 2 * 1024 * 1024]);
    long.extend(b"\n1,2010-12-01T08:26:00,9520000039066,6,2.55\n\xFF\xFE,\n");
    let (found, counts) = csv(&long, 1 << 16);
    assert_eq!((counts.unwrap().invoices, found.len()), (1, 3));
}

#[test]
fn the_gift_shop_flows_through() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/giftshop-sales.csv.gz");
    if !path.exists() {
        return;
    }
    let unpacked = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(&path)
        .output()
        .unwrap();
    let (found, counts) = csv(&unpacked.stdout, 1 << 16);
    let counts = counts.unwrap();
    println!("gift shop: {counts:?}");
    assert_eq!(counts.rows, 244_956);
    let uncounted = found
        .iter()
        .filter(|it| matches!(it, Found::Fault(it) if !it.counted))
        .count();
    assert_eq!(counts.lines + uncounted as u64, counts.rows);
    let mut keys = BTreeMap::new();
    for found in &found {
        let Found::Fact(fact) = found else { continue };
        assert!(
            keys.insert(fact.key.clone(), fact.body_hash).is_none(),
            "one fact per key"
        );
        recorded(fact).iter().for_each(|it| it.validate().unwrap());
    }
}
