//! Files that a cash register drops: half written, dropped twice, poisoned. What is good in them is
//! counted once, what is bad waits in the inbox, and nothing behind it waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "plays the system that drops files"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use shelf_tests::daemon::{Daemon, Setup, TillSetup};
use shelf_tests::patience::{Look, pass, until, until_eq};
use shelf_tests::wares::{gtin13, iso_time, item};

const HEADER: &str = "invoice,time,gtin,quantity,unit_price\n";
/// Invoices behind the poisoned one.
const BEHIND_POISON: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// A writer that takes its time: a row every so often, more often than the folder is looked at.
const ROW_EVERY: Duration = Duration::from_millis(150);

struct Shop {
    daemon: Daemon,
    folder: PathBuf,
    time: String,
    _dir: tempfile::TempDir,
}

fn shop(pieces: u32) -> Shop {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("drop");
    fs::create_dir(&folder).unwrap();
    let till = TillSetup {
        name: "pos-9".into(),
        source: "file".into(),
        drop: Some(folder.clone()),
        ..TillSetup::default()
    };
    let setup = Setup {
        pc: "PC 1".into(),
        tills: vec![till],
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(9, pieces).unwrap();
    let started = daemon.status().unwrap()["started"].as_i64().unwrap();
    Shop {
        daemon,
        folder,
        time: iso_time(started + 3_600_000),
        _dir: dir,
    }
}

impl Shop {
    fn row(&self, invoice: &str, ware: u32, quantity: &str) -> String {
        format!("{invoice},{},{},{quantity},1.14\n", self.time, gtin13(ware))
    }

    /// Drops a whole file in one step, as a good neighbour does.
    fn drop_whole(&self, name: &str, text: &str) {
        let unfinished = self.folder.parent().unwrap().join(name);
        fs::write(&unfinished, text).unwrap();
        fs::rename(&unfinished, self.folder.join(name)).unwrap();
    }

    fn until_at(&self, place: &str, name: &str) -> PathBuf {
        let path = self.folder.join(place).join(name);
        until(&format!("{place}/{name}"), PATIENCE, || {
            Ok(match path.exists() {
                true => Look::Done(()),
                false => Look::NotYet(listing(&self.folder)),
            })
        })
        .unwrap();
        path
    }

    fn sales(&self) -> usize {
        self.daemon.documents_of("sale").unwrap().len()
    }
}

fn listing(folder: &Path) -> String {
    let names = |it: &Path| -> Vec<String> {
        let entries = fs::read_dir(it).into_iter().flatten().flatten();
        entries
            .map(|it| it.file_name().to_string_lossy().into_owned())
            .collect()
    };
    format!("{:?} {:?}", names(folder), names(&folder.join("done")))
}

#[test]
fn a_file_that_is_still_being_written_is_read_once_it_is_whole() {
    let shop = shop(100);
    let mut file = fs::File::create(shop.folder.join("day.csv")).unwrap();
    file.write_all(HEADER.as_bytes()).unwrap();
    for number in 1..=12 {
        // Every row in two halves: whoever reads now reads half a row.
        let row = shop.row(&format!("i-{number}"), 2, "1");
        let (one, two) = row.split_at(20);
        file.write_all(one.as_bytes()).unwrap();
        pass(ROW_EVERY);
        file.write_all(two.as_bytes()).unwrap();
        pass(ROW_EVERY);
        assert!(
            shop.folder.join("day.csv").exists(),
            "taken at row {number}"
        );
    }
    drop(file);
    shop.until_at("done", "day.csv");
    assert_eq!(shop.sales(), 12);
    assert_eq!(shop.daemon.on_hand(&item(2)).unwrap(), 88_000);
    assert_eq!(
        shop.daemon.inbox().unwrap(),
        Vec::<serde_json::Value>::new()
    );
}

#[test]
fn a_torn_file_says_where_and_its_whole_brother_adds_only_what_was_missing() {
    let shop = shop(100);
    let good = shop.row("i-1", 2, "1") + &shop.row("i-2", 2, "1");
    let last = shop.row("i-3", 2, "1");
    shop.drop_whole(
        "torn.csv",
        &format!("{HEADER}{good}{}", &last[..last.len() - 12]),
    );
    shop.until_at("done", "torn.csv");
    assert_eq!(shop.sales(), 2);
    let inbox = shop.daemon.inbox().unwrap();
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    let reason = inbox[0]["reason"].as_str().unwrap();
    assert!(reason.contains("line 4"), "{reason}");
    shop.drop_whole("whole.csv", &format!("{HEADER}{good}{last}"));
    shop.until_at("done", "whole.csv");
    assert_eq!(shop.sales(), 3);
    assert_eq!(shop.daemon.on_hand(&item(2)).unwrap(), 97_000);
}

#[test]
fn the_same_file_again_changes_nothing_whatever_its_name() {
    let mut shop = shop(100);
    let text = format!(
        "{HEADER}{}{}",
        shop.row("i-1", 2, "1"),
        shop.row("i-2", 3, "-1")
    );
    shop.drop_whole("monday.csv", &text);
    shop.until_at("done", "monday.csv");
    let before = shop.daemon.documents().unwrap();
    shop.drop_whole("again.csv", &text);
    shop.until_at("done", "again.csv");
    shop.daemon.stop().unwrap();
    shop.daemon.restart().unwrap();
    shop.drop_whole("after-a-restart.csv", &text);
    shop.until_at("done", "after-a-restart.csv");
    assert_eq!(shop.daemon.documents().unwrap(), before);
    assert_eq!(
        shop.daemon.inbox().unwrap(),
        Vec::<serde_json::Value>::new()
    );
}

#[test]
fn a_file_that_is_none_goes_to_quarantine_with_its_reason() {
    let shop = shop(1);
    shop.drop_whole("menu.csv", "dish,price\nsoup,3\n");
    shop.until_at("quarantine", "menu.csv");
    let found = fs::read_dir(shop.folder.join("quarantine"))
        .unwrap()
        .flatten();
    let reason: Vec<String> = found
        .filter(|it| it.file_name() != "menu.csv")
        .map(|it| fs::read_to_string(it.path()).unwrap())
        .collect();
    assert!(reason.concat().contains("invoice is missing"), "{reason:?}");
    let red = |it: &serde_json::Value| it["verdict"]["level"] == "red";
    shop.daemon.status_until("somebody is called", red).unwrap();
}

#[test]
fn ten_thousand_records_pass_a_poisoned_one() {
    let shop = shop(BEHIND_POISON);
    let mut text = String::from(HEADER);
    text += &shop.row("poison", 2, "many");
    for number in 1..=BEHIND_POISON {
        text += &shop.row(&format!("i-{number}"), 2, "1");
    }
    shop.drop_whole("big.csv", &text);
    shop.until_at("done", "big.csv");
    until_eq("the book", &0, || shop.daemon.on_hand(&item(2))).unwrap();
    let inbox = shop.daemon.inbox().unwrap();
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    assert!(
        inbox[0]["reason"].as_str().unwrap().contains("line 2"),
        "{inbox:?}"
    );
    assert!(
        inbox[0]["raw"].as_str().unwrap().contains("many"),
        "{inbox:?}"
    );
    let id = inbox[0]["id"].as_i64().unwrap();
    let resolved = shop
        .daemon
        .post(&format!("/api/v1/inbox/{id}/resolve"), &json!({}))
        .unwrap();
    assert_eq!(resolved.status, 200, "{}", resolved.text());
}
