//! A folder, a real ledger, and files as other systems drop them.

use super::*;
use crate::config::{Config, SalesSourceSetting, TillSettings};
use crate::daemon::start::{Opened, open};

const SOLD: &str = "invoice,time,gtin,quantity,unit_price\n\
    1,2026-11-21T10:00:00Z,4006381333931,2,3.50\n\
    1,2026-11-21T10:00:00Z,96385074,1,1.00\n\
    2,2026-11-21T10:05:00Z,4006381333931,many,3.50\n";

struct Bench {
    opened: Opened,
    drop: Folder,
    folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("drop")).unwrap();
    let mut config = Config::default();
    config.ledger.wal_prefill_mib = 0;
    config.ledger.ballast_mib = 0;
    let name: TillId = "pos".parse().unwrap();
    config.till = vec![TillSettings {
        name: Some(name.clone()),
        sales_source: SalesSourceSetting::File,
        ..TillSettings::default()
    }];
    let opened = open(config, folder.path().join("data"), None).unwrap();
    let drop = Folder::open(
        &opened.shop,
        Dropped::Sales(name),
        folder.path().join("drop"),
    );
    Bench {
        opened,
        drop,
        folder,
    }
}

impl Bench {
    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("drop").join(name), text).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.folder.path().join("drop").join(name).exists()
    }

    fn look(&mut self) {
        self.drop.look(&self.opened.shop);
        self.drop.look(&self.opened.shop);
    }

    fn counts(&self) -> (u64, usize) {
        let counts = self.opened.shop.readers.with(|ledger| {
            Ok((
                ledger.counts()?.documents,
                ledger.inbox_list(true, 0, 100)?.len(),
            ))
        });
        counts.unwrap()
    }
}

#[test]
fn a_whole_file_is_read_once_and_put_away() {
    let mut bench = bench();
    bench.put("a.csv", SOLD);
    bench.drop.look(&bench.opened.shop);
    assert_eq!(
        bench.counts(),
        (0, 0),
        "one look is not enough to know that it is whole"
    );
    bench.look();
    assert_eq!(bench.counts(), (1, 1), "one receipt, one bad row");
    assert!(bench.has("done/a.csv") && !bench.has("a.csv"));
    assert_eq!(bench.opened.shop.tally.sales(&"pos".parse().unwrap()), 1);

    bench.put("a.csv", SOLD);
    bench.look();
    assert_eq!(bench.counts(), (1, 1), "the same bytes change nothing");
    assert!(bench.has("done/a.csv.2"));

    bench.drop = Folder::open(
        &bench.opened.shop,
        Dropped::Sales("pos".parse().unwrap()),
        bench.folder.path().join("drop"),
    );
    bench.put("b.csv", SOLD);
    bench.look();
    assert_eq!(bench.counts(), (1, 1), "nor after a restart");

    bench.put("c.csv", &SOLD.replace(",2,3.50", ",3,3.50"));
    bench.look();
    assert_eq!(
        bench.counts().0,
        1,
        "the same receipt with another content is not counted"
    );
    assert!(bench.counts().1 > 1);
}

#[test]
fn a_file_that_is_none_goes_to_quarantine_with_the_reason() {
    let mut bench = bench();
    bench.put("x.csv", "hello\n");
    bench.put("y.xml", "<POSLog><Transaction>");
    bench.put("z.csv.tmp", SOLD);
    bench.look();
    for name in ["x.csv", "y.xml"] {
        assert!(bench.has(&format!("quarantine/{name}")), "{name}");
        assert!(
            bench.has(&format!("quarantine/{name}.reason.txt")),
            "{name}"
        );
    }
    assert!(bench.has("z.csv.tmp"));
    assert_eq!(bench.counts().0, 0);
}

/// A PC with two rooms and a folder for handheld readers.
fn tagged() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("drop")).unwrap();
    let mut config = Config::default();
    config.ledger.wal_prefill_mib = 0;
    config.ledger.ballast_mib = 0;
    config.rfid.drop_zone = Some("floor".into());
    config.zone = ["floor", "backroom"]
        .map(|name| crate::config::ZoneSettings {
            name: name.into(),
            ..crate::config::ZoneSettings::default()
        })
        .to_vec();
    let opened = open(config, folder.path().join("data"), None).unwrap();
    let drop = Folder::open(&opened.shop, Dropped::Tags, folder.path().join("drop"));
    Bench {
        opened,
        drop,
        folder,
    }
}

impl Bench {
    /// Things in the zones.
    fn present(&self) -> Vec<u64> {
        let zones = self.opened.shop.rfid.summaries();
        zones.iter().map(|it| it.present).collect()
    }
}

#[test]
fn a_handheld_readers_file_is_what_lies_where_and_bad_rows_wait() {
    let mut bench = tagged();
    let tag = |serial: u32| format!("urn:epc:tag:sgtin-96:1.4006381.033393.{serial}");
    let text = format!(
        "RSSI;EPC;Zone\n-70;{};\n-70;{};BACKROOM\n;{};attic\n;banana;\n-70;{};backroom\n",
        tag(1),
        tag(2),
        tag(3),
        tag(4)
    );
    bench.put("sled.csv", &text);
    bench.look();
    assert_eq!(bench.present(), [1, 2]);
    assert!(!bench.has("sled.csv") && bench.has("done/sled.csv"));
    assert_eq!(bench.counts(), (0, 2), "two rows wait for a person");
    // The same bytes under another name are nothing new, and another sweep finds what was carried.
    bench.put("again.csv", &text);
    let later = format!("epc,rssi\n{},-40\n{},-40\n", tag(2), tag(1));
    bench.put("later.csv", &later);
    bench.look();
    assert!(bench.has("done/again.csv") && bench.has("done/later.csv"));
    assert_eq!(bench.present(), [2, 1]);
    // Nothing of it moves stock.
    assert_eq!(bench.counts().0, 0);
}

#[test]
fn what_is_no_list_of_tags_is_put_aside_with_its_reason() {
    let mut bench = tagged();
    bench.put("photo.csv", "invoice;time\n1;2\n");
    bench.put("wrong.csv", "epc;zone\nbanana;\napple;\n");
    bench.look();
    for (name, word) in [
        ("photo.csv", "no column"),
        ("wrong.csv", "none of its 2 rows"),
    ] {
        let reason = format!("drop/quarantine/{name}.reason.txt");
        let reason = std::fs::read_to_string(bench.folder.path().join(reason)).unwrap();
        assert!(reason.contains(word), "{reason}");
        assert!(!bench.has(name));
    }
    assert_eq!(bench.present(), [0, 0]);
}

#[test]
fn a_long_file_flows_in_pieces_and_its_many_faults_are_a_number() {
    let mut bench = tagged();
    let mut text = String::from("epc\n");
    for serial in 1..=25_000 {
        text += &format!("urn:epc:tag:sgtin-96:1.4006381.033393.{serial}\n");
    }
    text += &"banana\n".repeat(200);
    bench.put("long.csv", &text);
    bench.look();
    assert_eq!(bench.present(), [25_000, 0]);
    // Fifty one by one, and one that says how many more.
    assert_eq!(bench.counts().1, 51);
}
