//! Captures and layouts, as table checks.

use super::boot::BootReports;
use super::layout::{KeyboardLayout, Level};
use super::{GsKeys, KeyEvent, WedgeConfig, WedgeDecoder, WedgeItem, encode};
use crate::scanner::{FaultReason, Terminator, Terminators};

const LAYOUTS: [KeyboardLayout; 6] = [
    KeyboardLayout::Us,
    KeyboardLayout::Uk,
    KeyboardLayout::De,
    KeyboardLayout::Fr,
    KeyboardLayout::Be,
    KeyboardLayout::It,
];

fn config(layout: KeyboardLayout) -> WedgeConfig {
    WedgeConfig {
        layout,
        ..WedgeConfig::default()
    }
}

fn show(item: &WedgeItem) -> String {
    match item {
        WedgeItem::Scan(scan) => {
            let text = String::from_utf8_lossy(&scan.bytes).replace('\x1d', "~");
            format!("{text} {:?} {}", scan.terminator, scan.ignored_keys)
        }
        WedgeItem::Fault(fault) => format!("{:?} {}", fault.reason, fault.bytes_total),
    }
}

fn typed(config: WedgeConfig, events: &[KeyEvent]) -> Vec<String> {
    let mut decoder = WedgeDecoder::new(config);
    events.iter().for_each(|&event| decoder.push(event));
    decoder.flush_idle();
    decoder.map(|item| show(&item)).collect()
}

/// Presses and releases each key of the list; a negative number releases, one over 1000 presses
/// without release.
fn keys(codes: &[i32]) -> Vec<KeyEvent> {
    let mut out = Vec::new();
    for &code in codes {
        let (code, pressed) = match code {
            ..0 => (-code, false),
            1000.. => (code - 1000, true),
            _ => {
                let code = u16::try_from(code).unwrap();
                out.push(KeyEvent {
                    code,
                    pressed: true,
                });
                (i32::from(code), false)
            }
        };
        out.push(KeyEvent {
            code: u16::try_from(code).unwrap(),
            pressed,
        });
    }
    out
}

#[test]
fn a_captured_scan_in_boot_reports() {
    let mut reports = BootReports::default();
    let mut decoder = WedgeDecoder::new(WedgeConfig::default());
    // 6957842208856, Enter, then Ctrl+Shift+J.
    let usages = [
        0x23, 0x26, 0x22, 0x24, 0x25, 0x21, 0x1F, 0x1F, 0x27, 0x25, 0x25, 0x22, 0x23, 0x28,
    ];
    let mut push = |report: &[u8]| {
        for event in reports.events(report).unwrap() {
            decoder.push(event);
        }
    };
    for usage in usages {
        push(&[0, 0, usage, 0, 0, 0, 0, 0]);
        push(&[0; 8]);
    }
    push(&[3, 0, 0x0D, 0, 0, 0, 0, 0]);
    push(&[0; 8]);
    decoder.flush_idle();
    assert_eq!(
        decoder.map(|i| show(&i)).collect::<Vec<_>>(),
        ["6957842208856 Some(Cr) 0"]
    );
    let mut reports = BootReports::default();
    assert_eq!(reports.events(&[0, 0, 1, 1, 1, 1, 1, 1]), None);
    assert_eq!(reports.events(&[0; 7]), None);
}

#[test]
fn rows_have_one_character_per_key() {
    for layout in LAYOUTS {
        for level in [Level::Base, Level::Shift] {
            let count = (1..=100)
                .filter(|&code| layout.character(code, level).is_some())
                .count();
            // 48 keys, space, 15 keypad keys; US has no key beside the left Shift, and French
            // none on the shifted first key.
            let missing = usize::from(layout == KeyboardLayout::Us)
                + usize::from(layout == KeyboardLayout::Fr && level == Level::Shift);
            assert_eq!(count, 64 - missing, "{layout:?} {level:?}");
        }
        for typed in ('0'..='9')
            .chain('A'..='Z')
            .chain('a'..='z')
            .chain("-./+:,;%$*&\"' ".chars())
        {
            let (code, level) = layout
                .key(typed)
                .unwrap_or_else(|| panic!("{layout:?} {typed}"));
            assert_eq!(layout.character(code, level), Some(typed));
        }
    }
}

#[test]
fn a_wrong_layout_gives_the_known_garble() {
    let events = encode(
        "0013748911",
        &config(KeyboardLayout::Us),
        Some(Terminator::Cr),
    )
    .unwrap();
    assert_eq!(
        typed(config(KeyboardLayout::Be), &events),
        ["àà&\"è'!ç&& Some(Cr) 0"]
    );
    assert_eq!(
        typed(config(KeyboardLayout::Us), &events),
        ["0013748911 Some(Cr) 0"]
    );
}

#[test]
fn every_layout_types_what_it_can() {
    for layout in LAYOUTS {
        for text in [
            "4006381333931",
            "SHELF-42/a.b+C",
            "https://id.gs1.org/01/09520123456788?17=271231",
        ] {
            let events = encode(text, &config(layout), Some(Terminator::Cr)).unwrap();
            assert_eq!(
                typed(config(layout), &events),
                [format!("{text} Some(Cr) 0")],
                "{layout:?}"
            );
        }
    }
    // A dead key needs a space after it.
    let events = encode("^a^ b", &config(KeyboardLayout::De), Some(Terminator::Cr)).unwrap();
    assert_eq!(
        typed(config(KeyboardLayout::De), &events),
        ["^a^ b Some(Cr) 0"]
    );
    assert_eq!(encode("ж", &config(KeyboardLayout::De), None), None);
}

#[test]
fn separators_come_in_several_ways() {
    let ways = [
        GsKeys {
            ctrl_bracket: true,
            f8: false,
            character: None,
        },
        GsKeys {
            ctrl_bracket: false,
            f8: true,
            character: None,
        },
        GsKeys {
            ctrl_bracket: false,
            f8: false,
            character: Some('#'),
        },
        GsKeys {
            ctrl_bracket: false,
            f8: false,
            character: None,
        },
    ];
    for layout in LAYOUTS {
        for gs in ways {
            let config = WedgeConfig {
                gs,
                ..config(layout)
            };
            let events = encode("10AB\x1d21C", &config, Some(Terminator::Tab)).unwrap();
            assert_eq!(
                typed(config, &events),
                ["10AB~21C Some(Tab) 0"],
                "{layout:?} {gs:?}"
            );
        }
    }
}

#[test]
fn chords_are_counted_and_type_nothing() {
    let us = WedgeConfig::default();
    // Ctrl+C, Win+R, Alt+F4, F1, then 1 2 Enter.
    let events = keys(&[1029, 46, -29, 1125, 19, -125, 1056, 62, -56, 59, 2, 3, 28]);
    assert_eq!(typed(us, &events), ["12 Some(Cr) 4"]);
    // Ctrl+M and keypad Enter end a scan too.
    assert_eq!(
        typed(us, &keys(&[2, 1029, 50, -29, 79, 80, 96])),
        ["1 Some(Cr) 0", "12 Some(Cr) 0"]
    );
    let no_tab = WedgeConfig {
        terminators: Terminators::usual(),
        ..us
    };
    assert_eq!(typed(no_tab, &keys(&[2, 15, 3, 28])), ["12 Some(Cr) 1"]);
}

#[test]
fn modifiers_and_caps_lock() {
    let us = WedgeConfig::default();
    assert_eq!(
        typed(us, &keys(&[1042, 30, -42, 30, 1054, 3, -54, 28])),
        ["Aa@ Some(Cr) 0"]
    );
    assert_eq!(
        typed(us, &keys(&[58, 30, 3, 1042, 30, 3, -42, 58, 30, 28])),
        ["A2a@a Some(Cr) 0"]
    );
    let german = config(KeyboardLayout::De);
    assert_eq!(
        typed(german, &keys(&[1100, 16, 8, -100, 44, 28])),
        ["@{y Some(Cr) 0"]
    );
    assert_eq!(typed(german, &keys(&[58, 39, 58, 28])), ["Ö Some(Cr) 0"]);
}

#[test]
fn damage_is_never_a_short_code() {
    let us = WedgeConfig::default();
    let mut decoder = WedgeDecoder::new(us);
    keys(&[2, 3])
        .into_iter()
        .for_each(|event| decoder.push(event));
    decoder.keys_lost();
    keys(&[4, 28, 5, 28])
        .into_iter()
        .for_each(|event| decoder.push(event));
    let items: Vec<String> = decoder.map(|item| show(&item)).collect();
    assert_eq!(items, ["KeysLost 3", "4 Some(Cr) 0"]);
    // What was held is forgotten, or every later scan would be shifted.
    let mut decoder = WedgeDecoder::new(us);
    keys(&[1042, 3])
        .into_iter()
        .for_each(|event| decoder.push(event));
    decoder.keys_lost();
    keys(&[28, 30, 28])
        .into_iter()
        .for_each(|event| decoder.push(event));
    let items: Vec<String> = decoder.map(|item| show(&item)).collect();
    assert_eq!(items, ["KeysLost 1", "a Some(Cr) 0"]);
    // A key without character in the layout, and the minimum length.
    assert_eq!(
        typed(us, &keys(&[2, 86, 28])),
        [format!("{:?} 1", FaultReason::KeyUnmapped)]
    );
    let six = WedgeConfig {
        length_min: 6,
        ..us
    };
    assert_eq!(typed(six, &keys(&[2, 3, 28])), ["TooShort 2"]);
    assert_eq!(typed(us, &keys(&[2, 3])), ["12 None 0"]);
    let endless = keys(&vec![2; 9000]);
    assert_eq!(typed(us, &endless), ["TooLong 9000"]);
}
