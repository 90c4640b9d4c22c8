//! A replay on a generated shop, on odd files, and on real sales where they are beside the checkout.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{Args, Command as Clap, FromArgMatches};
use shelf_hub::replay::args::ReplayArgs;
use shelf_hub::replay::policy::Withhold;
use shelf_hub::replay::report::Report;
use shelf_hub::replay::score::{Class, Level};
use shelf_hub::replay::{ReplayError, chart, run};

/// A generator with a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (it ^ (it >> 31)) % limit
    }
}

/// Half a year of a shop with 60 articles that sell between twice an hour and once in two months,
/// on days that are good or bad for each of them, sometimes by the half dozen.
fn generated(seed: u64) -> (String, String) {
    let mut draw = Draw(seed);
    let mut items = "gtin,name\n".to_owned();
    let mut sales = "time;gtin;quantity;price\n".to_owned();
    for item in 0..60 {
        writeln!(items, "{item},Article {item}").unwrap();
    }
    for day in 0..182_u64 {
        // Closed on Sundays.
        if day % 7 == 6 {
            continue;
        }
        let of_day: Vec<u64> = (0..60).map(|_| 1 + draw.below(3)).collect();
        for minute in (9 * 60)..(19 * 60) {
            let (month, date) = (1 + day / 28, 1 + day % 28);
            for (item, good) in (0_u64..).zip(&of_day) {
                let rare = 60 * (1 + item * item / 4);
                if draw.below(rare) < *good {
                    let quantity = if draw.below(8) == 0 { 6 } else { 1 };
                    let (hour, minute) = (minute / 60, minute % 60);
                    writeln!(
                        sales,
                        "2024-{month:02}-{date:02} {hour:02}:{minute:02};{item};{quantity};2,50"
                    )
                    .unwrap();
                }
            }
        }
    }
    (items, sales)
}

fn replay(args: &[&str]) -> Result<Report, ReplayError> {
    let command = ReplayArgs::augment_args(Clap::new("replay"));
    let matches = command
        .try_get_matches_from([&["replay"], args].concat())
        .unwrap();
    let args = ReplayArgs::from_arg_matches(&matches).unwrap();
    run(&args.options(), &mut |_| {})
}

fn file(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_string_lossy().into_owned()
}

fn level(report: &Report, class: Class, promised_ppm: u32) -> &Level {
    let wanted = |it: &&Level| it.class == class && it.promised.as_ppm() == promised_ppm;
    report.levels().iter().find(wanted).unwrap()
}

/// What must hold of every replay, with this much room, in parts per million.
fn keeps_its_promise(report: &Report, room_ppm: u64) {
    for promised in [800_000, 900_000, 950_000, 980_000, 990_000] {
        for class in [
            Class::A,
            Class::B,
            Class::C,
            Class::Intermittent,
            Class::All,
        ] {
            let wanted = |it: &&Level| it.class == class && it.promised.as_ppm() == promised;
            let Some(level) = report.levels().iter().find(wanted) else {
                continue;
            };
            if level.windows < 500 {
                continue;
            }
            assert!(
                level.observed_ppm + room_ppm >= u64::from(promised),
                "{level:?}"
            );
            let off = level.observed_ppm.abs_diff(level.stated_ppm);
            assert!(off <= 2 * room_ppm, "stated and observed differ: {level:?}");
        }
    }
    let outcomes = report.outcomes();
    let nothing = outcomes
        .iter()
        .find(|it| it.way == Withhold::Nothing)
        .unwrap();
    let ours = |it: &&_| matches!(it, shelf_hub::replay::shop::Outcome { way: Withhold::Ours(at, _), .. } if *at == report.ratio());
    let ours = outcomes.iter().find(ours).unwrap();
    assert!(
        ours.cancelled < nothing.cancelled,
        "{} and {}",
        ours.cancelled,
        nothing.cancelled
    );
    assert_eq!((nothing.needless, nothing.hidden_units), (0, 0));
    for outcome in outcomes {
        assert_eq!(
            outcome.orders, nothing.orders,
            "every way meets the same orders"
        );
        assert!(outcome.cancelled <= outcome.accepted && outcome.accepted <= outcome.orders);
        assert!(outcome.hidden_units <= outcome.usable_units, "{outcome:?}");
    }
}

#[test]
fn on_a_generated_shop_the_promise_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (items, sales) = generated(3);
    let items = file(directory.path(), "items.csv", &items);
    let sales = file(directory.path(), "sales.csv", &sales);
    let report = replay(&["--items", &items, "--sales", &sales, "--cover-days", "4"]).unwrap();
    assert_eq!(report.odd_rows().count, 0);
    keeps_its_promise(&report, 10_000);
    let all = level(&report, Class::All, 950_000);
    assert!(
        all.windows > 1_000 && all.windows_with_sales > 100,
        "{all:?}"
    );
    let a = level(&report, Class::A, 950_000);
    assert!(
        a.mean_observed_ppm < a.observed_ppm,
        "a mean is no safety: {a:?}"
    );
    let again = replay(&["--items", &items, "--sales", &sales, "--cover-days", "4"]).unwrap();
    assert_eq!(
        report.json(),
        again.json(),
        "the same files, the same report"
    );
    let svg = chart::svg(&report);
    assert!(svg.starts_with("<svg") && svg.contains("safety stock") && svg.ends_with("</svg>\n"));
}

#[test]
fn odd_rows_are_named_and_never_stop() {
    let directory = tempfile::tempdir().unwrap();
    let mut sales = "Invoice,Time,SKU,Qty,Unit Price\n".to_owned();
    for day in 1..=28 {
        for month in 1..=3 {
            writeln!(
                sales,
                "{day}{month},2024-{month:02}-{day:02}T10:00,1,2.000,5"
            )
            .unwrap();
        }
    }
    sales.push_str("a,2024-03-10T10:00,1,2,0.00\nb,2024-03-10T10:05,1,70000,5\nc,2024-03-10T10:10,1,-70000,5\n");
    sales.push_str(
        "d,2024-03-10T11:00,1,-1,5\ne,2024-03-10T11:00,9,1,5\nf,2024-03-10T11:00,2,1,5\n",
    );
    sales.push_str("g,yesterday,1,1,5\nh,2024-03-11T10:00,1,some,5\ni,2024-03-11T10:00,1\nj,2024-03-11T10:00,,1,5\n");
    let items = file(
        directory.path(),
        "items.csv",
        "sku,description\n1,Cup\n2,Bank Charges\n,Nobody\n",
    );
    let packed = directory.path().join("sales.csv.gz");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(sales.as_bytes()).unwrap();
    std::fs::write(&packed, packer.finish().unwrap()).unwrap();
    let orders = "sku;date;units\n1;20.02.2024 12:00;1\n1;21.03.2024 12:00;1\n";
    let orders = file(directory.path(), "orders.csv", orders);
    let packed = packed.to_string_lossy();
    let report = replay(&["--items", &items, "--sales", &packed, "--orders", &orders]).unwrap();
    let left_out = report.left_out();
    let counts = (
        left_out.free,
        left_out.undone,
        left_out.returns,
        left_out.unknown_items,
        left_out.not_goods,
    );
    assert_eq!(counts, (1, 2, 1, 1, 1));
    let odd = report.odd_rows();
    assert_eq!(odd.count, 5);
    let named: Vec<String> = odd
        .named
        .iter()
        .map(|it| format!("{}:{} {}", it.file, it.line, it.why))
        .collect();
    for (named, part) in named.iter().zip([
        "items.csv:4 no item",
        "sales.csv.gz:92 `yesterday` is no time",
        "sales.csv.gz:93 `some` is not a quantity",
        "sales.csv.gz:94 3 fields instead of 5",
        "sales.csv.gz:95 no item",
    ]) {
        assert!(named.starts_with(part), "{named} should start with {part}");
    }
    assert_eq!(
        report.outcomes()[0].orders,
        2,
        "the retailer's own, all of them"
    );
    let text = report.to_string();
    assert!(
        text.contains("2 of your own") && text.contains("`yesterday` is no time"),
        "{text}"
    );
}

fn hub(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shelf-hub"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn the_command_answers_and_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let (items, sales) = generated(4);
    let items = file(directory.path(), "items.csv", &items);
    // Two months are enough to see that it speaks.
    let start: String = sales
        .split_inclusive('\n')
        .take_while(|it| !it.starts_with("2024-03"))
        .collect();
    let sales = file(directory.path(), "sales.csv", &start);
    let svg = directory.path().join("replay.svg");
    let chart = svg.to_string_lossy();
    let good = [
        "replay",
        "--items",
        &items,
        "--sales",
        &sales,
        "--learn-days",
        "21",
        "--json",
        "--chart",
        &chart,
    ];
    let output = hub(&good);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        output.stderr.is_empty(),
        "no progress where nobody watches: {output:?}"
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["assumed"]["ratio_ppm"], 950_000);
    assert!(answer["outcomes"].as_array().unwrap().len() > 20);
    assert!(std::fs::read_to_string(&svg).unwrap().contains("</svg>"));
    let no_column = file(directory.path(), "none.csv", "a,b\n1,2\n");
    for (args, code, said) in [
        (
            ["replay", "--items", &items, "--sales", "missing.csv"],
            1,
            "can't open `missing.csv`",
        ),
        (
            ["replay", "--items", &items, "--sales", &no_column],
            1,
            "no column for the item (one of gtin",
        ),
        (
            ["replay", "--items", &no_column, "--sales", &sales],
            1,
            "its columns are a, b",
        ),
        (
            ["replay", "--items", &items, "--learn-days", "7"],
            2,
            "--sales <FILE>",
        ),
    ] {
        let output = hub(&args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        assert!(
            error.contains(said),
            "{args:?} should say `{said}`: {error}"
        );
    }
}

#[test]
fn on_real_sales_the_promise_is_kept() {
    let data: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let (items, sales) = (
        data.join("giftshop-items.csv.gz"),
        data.join("giftshop-sales.csv.gz"),
    );
    if !items.is_file() || !sales.is_file() {
        return;
    }
    let (items, sales) = (items.to_string_lossy(), sales.to_string_lossy());
    let report = replay(&["--items", &items, "--sales", &sales, "--learn-days", "170"]).unwrap();
    assert_eq!(report.odd_rows().count, 0);
    let left_out = report.left_out();
    assert!(left_out.undone > 0 && left_out.returns > 4_000 && left_out.not_goods > 1_000);
    assert!(left_out.not_goods_names.contains("Bank Charges"));
    keeps_its_promise(&report, 15_000);
}
