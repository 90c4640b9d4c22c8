//! The drop folder, told poll by poll.

use shelf_stock::time::Timestamp;
use shelf_till::source::file_drop::*;
use shelf_till::source::hash;

fn seen(name: &str, bytes: u64, renamed_in: bool) -> SeenFile {
    let modified = Timestamp::from_millis(0);
    SeenFile {
        name: name.into(),
        bytes,
        modified,
        renamed_in,
    }
}

fn told(folder: &mut FileDrop, input: DropInput) -> Vec<String> {
    let mut out = vec![];
    folder.handle(input, &mut out);
    let one = |it: &DropEffect| match it {
        DropEffect::Hash { name } => format!("hash {name}"),
        DropEffect::Import { name, .. } => format!("import {name}"),
        DropEffect::MoveToDone { name, repeated, .. } => {
            format!("done {name}{}", if *repeated { ", repeated" } else { "" })
        }
        DropEffect::MoveToQuarantine { name, reason } => format!("quarantine {name}: {reason}"),
    };
    out.iter().map(one).collect()
}

fn poll(folder: &mut FileDrop, files: Vec<SeenFile>) -> Vec<String> {
    told(folder, DropInput::Polled(files))
}

fn hashed(folder: &mut FileDrop, name: &str, bytes: &[u8]) -> Vec<String> {
    let (name, hash) = (name.to_owned(), hash(bytes));
    told(folder, DropInput::Hashed { name, hash })
}

fn imported(folder: &mut FileDrop, name: &str, verdict: Verdict) -> Vec<String> {
    let name = name.to_owned();
    told(folder, DropInput::Imported { name, verdict })
}

#[test]
fn a_file_is_read_once_it_is_whole_and_only_once() {
    let folder = &mut FileDrop::default();
    assert!(poll(folder, vec![seen("a.csv", 10, false)]).is_empty());
    assert!(
        poll(folder, vec![seen("a.csv", 20, false)]).is_empty(),
        "still growing"
    );
    assert_eq!(poll(folder, vec![seen("a.csv", 20, false)]), ["hash a.csv"]);
    assert!(
        poll(folder, vec![seen("a.csv", 20, false)]).is_empty(),
        "already at work"
    );
    assert_eq!(hashed(folder, "a.csv", b"sales"), ["import a.csv"]);
    assert!(hashed(folder, "a.csv", b"sales").is_empty());
    assert_eq!(imported(folder, "a.csv", Verdict::Done), ["done a.csv"]);
    told(
        folder,
        DropInput::Moved {
            name: "a.csv".into(),
        },
    );
    assert_eq!(
        poll(folder, vec![seen("again.csv", 20, true)]),
        ["hash again.csv"]
    );
    assert_eq!(
        hashed(folder, "again.csv", b"sales"),
        ["done again.csv, repeated"]
    );
    let mut restarted = FileDrop::new([hash(b"sales")]);
    poll(&mut restarted, vec![seen("b.csv", 20, true)]);
    assert_eq!(
        hashed(&mut restarted, "b.csv", b"sales"),
        ["done b.csv, repeated"]
    );
}

#[test]
fn unfinished_names_wait_bad_files_are_set_aside_and_trouble_is_tried_again() {
    let folder = &mut FileDrop::default();
    for name in ["a.csv.tmp", ".a.csv", "a.csv.filepart", "a~", "A.PART"] {
        assert!(poll(folder, vec![seen(name, 1, true)]).is_empty(), "{name}");
    }
    poll(folder, vec![seen("x.xml", 1, true)]);
    hashed(folder, "x.xml", b"<");
    let reason = "damaged".to_owned();
    assert_eq!(
        imported(folder, "x.xml", Verdict::Quarantine { reason }),
        ["quarantine x.xml: damaged"]
    );
    poll(folder, vec![seen("y.csv", 1, true)]);
    hashed(folder, "y.csv", b"y");
    assert!(imported(folder, "y.csv", Verdict::Again).is_empty());
    assert_eq!(poll(folder, vec![seen("y.csv", 1, true)]), ["hash y.csv"]);
    told(
        folder,
        DropInput::Unreadable {
            name: "y.csv".into(),
        },
    );
    poll(folder, vec![seen("y.csv", 1, false)]);
    poll(folder, vec![]);
    assert!(
        poll(folder, vec![seen("y.csv", 1, false)]).is_empty(),
        "gone in between: begins anew"
    );
}
