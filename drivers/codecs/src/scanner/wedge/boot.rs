//! Boot-protocol keyboard reports, for scanners read as raw HID and for captures.
//!
//! Eight bytes: modifiers, reserved, up to six keys that are down. A report says what is down
//! now; events are the differences to the one before. It must never invent a press for a key
//! that stayed down.

use super::KeyEvent;

/// Usages 0x04 to 0x65 of the keyboard page as input event codes; 0 where there is none.
const CODES: [u16; 98] = [
    30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45,
    21, 44, // A to Z
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, // 1 to 0
    28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53,
    58, // Enter to Caps Lock
    59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, // F1 to F12
    99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103, // Print to Up
    69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, // keypad
    86, 127,
];

/// Modifier bits from 0 to 7 as input event codes.
const MODIFIERS: [u16; 8] = [29, 42, 56, 125, 97, 54, 100, 126];

/// Report in which more keys are down than fit.
const ROLL_OVER: u8 = 0x01;

/// Turns boot reports into key events.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootReports {
    modifiers: u8,
    keys: [u8; 6],
}

impl BootReports {
    /// The events of a report, in the order modifiers down, keys up, keys down, modifiers up.
    /// `None` if the report is no keyboard state (wrong length, or a roll-over): key presses may
    /// be lost then.
    #[must_use]
    pub fn events(&mut self, report: &[u8]) -> Option<Vec<KeyEvent>> {
        let &[modifiers, _, a, b, c, d, e, f] = report else {
            return None;
        };
        let keys = [a, b, c, d, e, f];
        if keys.contains(&ROLL_OVER) {
            return None;
        }
        let mut out = Vec::new();
        let changed = |old: u8, new: u8| {
            (0..8)
                .filter(move |&bit| new & !old & 1 << bit != 0)
                .filter_map(|bit: usize| MODIFIERS.get(bit))
        };
        let event = |code: u16, pressed| KeyEvent { code, pressed };
        out.extend(changed(self.modifiers, modifiers).map(|&code| event(code, true)));
        let only_in = |these: [u8; 6], those: [u8; 6]| {
            these
                .into_iter()
                .filter(move |key| !those.contains(key))
                .filter_map(code)
        };
        out.extend(only_in(self.keys, keys).map(|code| event(code, false)));
        out.extend(only_in(keys, self.keys).map(|code| event(code, true)));
        out.extend(changed(modifiers, self.modifiers).map(|&code| event(code, false)));
        (self.modifiers, self.keys) = (modifiers, keys);
        Some(out)
    }
}

fn code(usage: u8) -> Option<u16> {
    CODES.get(usize::from(usage).checked_sub(4)?).copied()
}
