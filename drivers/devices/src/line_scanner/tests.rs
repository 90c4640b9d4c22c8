//! What silence means to a line scanner, and what becomes of prefixes and broken lines.

use super::*;

fn scanner(change: impl FnOnce(&mut LineScannerConfig)) -> LineScanner {
    let mut config = LineScannerConfig::default();
    change(&mut config);
    LineScanner::new(config)
}

fn read(item: Option<Decoded>) -> String {
    match item {
        None => "nothing".to_owned(),
        Some(Decoded::Scan(scan)) => scan.bytes.escape_ascii().to_string(),
        Some(Decoded::Fault(fault)) => format!("{:?} {}", fault.cause, fault.masked),
        Some(other) => format!("{other:?}"),
    }
}

#[test]
fn a_scanner_without_terminator_is_read_by_silence_until_one_is_seen() {
    let driver = scanner(|_| ());
    let mut decoder = driver.decoder();
    assert_eq!(decoder.idle_flush_after(), None);
    decoder.push(b"12345670");
    assert_eq!(
        decoder.idle_flush_after(),
        Some(Duration::from_millis(IDLE_FLUSH_MS))
    );
    decoder.flush_idle();
    assert_eq!(read(decoder.next()), "12345670");

    decoder.push(b"4006381333931\r40063");
    assert_eq!(read(decoder.next()), "4006381333931");
    assert_eq!(
        decoder.idle_flush_after(),
        Some(Duration::from_millis(END_WAIT_MS))
    );
    decoder.push(b"81333931\r");
    assert_eq!(read(decoder.next()), "4006381333931");
    assert_eq!(decoder.idle_flush_after(), None);
}

#[test]
fn the_habit_outlives_a_replug_and_a_missing_end_is_a_fault() {
    let driver = scanner(|_| ());
    let mut decoder = driver.decoder();
    decoder.push(b"11\r");
    assert_eq!(read(decoder.next()), "11");
    let mut decoder = driver.decoder();
    for _ in 0..END_MISSING_IN_A_ROW_MAX {
        decoder.push(b"ABC");
        decoder.flush_idle();
        assert_eq!(read(decoder.next()), "EndMissing ABC");
        assert_eq!(read(decoder.next()), "nothing");
    }
    // So many in a row are a scanner that was reconfigured.
    decoder.push(b"ABC");
    decoder.flush_idle();
    assert_eq!(read(decoder.next()), "ABC");
}

#[test]
fn a_line_that_is_cut_off_is_never_a_scan() {
    let driver = scanner(|c| c.line.terminators = Terminators::NONE);
    let mut decoder = driver.decoder();
    decoder.push(b"4006381333931");
    let fault = decoder.cut_off().unwrap();
    assert_eq!(
        (fault.cause, fault.masked.as_str()),
        (FaultCause::CutOff, "*********3931")
    );
    assert_eq!(decoder.cut_off(), None);
    assert_eq!(read(decoder.next()), "nothing");
}

#[test]
fn prefixes_move_from_the_text_to_the_symbology() {
    let aim = scanner(|_| ());
    let mut decoder = aim.decoder();
    decoder.push(b"]E04006381333931\r");
    match decoder.next() {
        Some(Decoded::Scan(scan)) => {
            assert_eq!(scan.bytes, b"4006381333931");
            assert!(scan.aim.is_some());
        }
        other => panic!("{other:?}"),
    }
    let none = scanner(|c| c.prefix_scheme = PrefixScheme::None);
    let mut decoder = none.decoder();
    decoder.push(b"]E04006381333931\r");
    assert_eq!(read(decoder.next()), "]E04006381333931");
}

#[test]
fn the_journal_shows_goods_and_hides_cards() {
    let plain = |text: &[u8]| {
        Decoded::Scan(Scan::plain(text.to_vec(), None))
            .journal_text()
            .0
    };
    assert_eq!(plain(b"4006381333931"), "4006381333931");
    assert_eq!(plain(b"4111111111111111"), "************1111");
    assert!(!plain(b"%B4111111111111111^DOE/J^2512101?").contains("41111111"));
}
