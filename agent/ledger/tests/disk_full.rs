//! A full disk: the reserve keeps the shop selling, then the answer says so, and nothing that was
//! acknowledged is lost. On a small real filesystem (tmpfs), which needs root.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "fills a disk of its own")]

mod support;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use shelf_ledger::{Depth, ExecuteError, Ledger, RecordError, Recorded};
use shelf_stock::identity::Place;
use support::{options, sale};

/// A filesystem of a few MiB, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(mounted.success(), "mounting a tmpfs needs root");
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_space(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

type Sold = Result<Recorded, ExecuteError<RecordError>>;

fn sell(ledger: &Ledger) -> Sold {
    ledger.writer().run("sale", |tx| tx.record(&sale("tea", 1)))
}

#[test]
fn a_full_disk_uses_the_reserve_then_says_so_and_loses_nothing() {
    let disk = SmallDisk::mount(24);
    let dir = disk.path().join("ledger");
    let mut small = options(&dir, 1);
    small.wal_bytes = 1 << 20;
    small.ballast_bytes = 4 << 20;
    let (ledger, report) = Ledger::open(small.clone()).unwrap();
    assert!(report.ballast && report.wal_warmed, "{report:?}");
    disk.fill();
    let mut acknowledged: Vec<Place> = Vec::new();
    let refused = loop {
        assert!(acknowledged.len() < 20_000, "the disk never became full");
        match sell(&ledger) {
            Ok(recorded) => acknowledged.push(recorded.place()),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, ExecuteError::DiskFull { label: "sale" }),
        "{refused:?}"
    );
    let message = refused.to_string();
    assert!(
        message.contains("the disk is full and the reserve is used up"),
        "{message}"
    );
    assert!(message.contains("free space"), "{message}");
    let metrics = ledger.metrics();
    assert_eq!(metrics.ballast_released, 1);
    assert!(metrics.disk_full >= 2, "{metrics:?}");
    assert!(!dir.join("ballast").exists());
    disk.make_space();
    acknowledged.push(sell(&ledger).unwrap().place());
    drop(ledger);
    let (ledger, _) = Ledger::open(small).unwrap();
    for place in &acknowledged {
        let found = ledger.readers().with(|it| it.document(*place)).unwrap();
        assert!(found.is_some(), "{place} is missing");
    }
    let check = ledger
        .start_check(Depth::Deep)
        .unwrap()
        .wait()
        .unwrap()
        .unwrap();
    assert!(check.is_sound(), "{check:?}");
    assert_eq!(check.documents, acknowledged.len() as u64);
}
