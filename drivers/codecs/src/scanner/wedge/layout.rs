//! Keyboard layouts: which character a key types, for the layouts scanners are set to.
//!
//! A layout is four rows of characters in the order of the keys, for no modifier, Shift and AltGr,
//! so that it can be read beside a picture of the keyboard. A place without a character is `\0`.
//! It must hold what the layout types, not what would be convenient.

/// The layouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyboardLayout {
    /// United States.
    #[default]
    Us,
    /// United Kingdom.
    Uk,
    /// Germany, Austria.
    De,
    /// France.
    Fr,
    /// Belgium.
    Be,
    /// Italy.
    It,
}

/// Modifiers that choose a character of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// None.
    Base,
    /// Shift.
    Shift,
    /// The right Alt key, in layouts that use it.
    AltGr,
}

/// Key codes in the order of the rows below: 13 + 12 + 12 + 11 keys.
const KEYS: [u16; 48] = [
    41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, //
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, //
    30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43, //
    86, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53,
];

struct Rows {
    base: &'static str,
    shift: &'static str,
    altgr: &'static [(u16, char)],
    /// Keys that type an accent only together with the next key.
    dead: &'static [(u16, Level)],
}

const US: Rows = Rows {
    base: "`1234567890-=qwertyuiop[]asdfghjkl;'\\\0zxcvbnm,./",
    shift: "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|\0ZXCVBNM<>?",
    altgr: &[],
    dead: &[],
};

const UK: Rows = Rows {
    base: "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
    shift: "¬!\"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?",
    altgr: &[(41, '¦'), (5, '€')],
    dead: &[],
};

const DE: Rows = Rows {
    base: "^1234567890ß´qwertzuiopü+asdfghjklöä#<yxcvbnm,.-",
    shift: "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_",
    altgr: &[
        (3, '²'),
        (4, '³'),
        (8, '{'),
        (9, '['),
        (10, ']'),
        (11, '}'),
        (12, '\\'),
        (16, '@'),
        (18, '€'),
        (27, '~'),
        (50, 'µ'),
        (86, '|'),
    ],
    dead: &[(41, Level::Base), (13, Level::Base), (13, Level::Shift)],
};

const FR: Rows = Rows {
    base: "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*<wxcvbn,;:!",
    shift: "\x001234567890°+AZERTYUIOP¨£QSDFGHJKLM%µ>WXCVBN?./§",
    altgr: &[
        (3, '~'),
        (4, '#'),
        (5, '{'),
        (6, '['),
        (7, '|'),
        (8, '`'),
        (9, '\\'),
        (10, '^'),
        (11, '@'),
        (12, ']'),
        (13, '}'),
        (18, '€'),
        (27, '¤'),
    ],
    dead: &[
        (26, Level::Base),
        (26, Level::Shift),
        (3, Level::AltGr),
        (8, Level::AltGr),
    ],
};

const BE: Rows = Rows {
    base: "²&é\"'(§è!çà)-azertyuiop^$qsdfghjklmùµ<wxcvbn,;:=",
    shift: "³1234567890°_AZERTYUIOP¨*QSDFGHJKLM%£>WXCVBN?./+",
    altgr: &[
        (2, '|'),
        (3, '@'),
        (4, '#'),
        (7, '^'),
        (10, '{'),
        (11, '}'),
        (18, '€'),
        (26, '['),
        (27, ']'),
        (40, '´'),
        (43, '`'),
        (53, '~'),
        (86, '\\'),
    ],
    dead: &[
        (26, Level::Base),
        (26, Level::Shift),
        (40, Level::AltGr),
        (43, Level::AltGr),
        (53, Level::AltGr),
    ],
};

const IT: Rows = Rows {
    base: "\\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-",
    shift: "|!\"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_",
    altgr: &[(18, '€'), (26, '['), (27, ']'), (39, '@'), (40, '#')],
    dead: &[],
};

/// Keypad keys with Num Lock on.
const PAD: [(u16, char); 15] = [
    (71, '7'),
    (72, '8'),
    (73, '9'),
    (74, '-'),
    (75, '4'),
    (76, '5'),
    (77, '6'),
    (78, '+'),
    (79, '1'),
    (80, '2'),
    (81, '3'),
    (82, '0'),
    (83, '.'),
    (98, '/'),
    (55, '*'),
];

impl KeyboardLayout {
    /// The names by which configuration files call the layouts.
    pub const NAMES: [(&'static str, KeyboardLayout); 6] = [
        ("us", KeyboardLayout::Us),
        ("uk", KeyboardLayout::Uk),
        ("de", KeyboardLayout::De),
        ("fr", KeyboardLayout::Fr),
        ("be", KeyboardLayout::Be),
        ("it", KeyboardLayout::It),
    ];

    /// The layout with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<KeyboardLayout> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }

    fn rows(self) -> &'static Rows {
        match self {
            KeyboardLayout::Us => &US,
            KeyboardLayout::Uk => &UK,
            KeyboardLayout::De => &DE,
            KeyboardLayout::Fr => &FR,
            KeyboardLayout::Be => &BE,
            KeyboardLayout::It => &IT,
        }
    }

    /// Whether the right Alt key chooses characters.
    #[must_use]
    pub fn has_altgr(self) -> bool {
        !self.rows().altgr.is_empty()
    }

    /// The character of a key. `None` for keys that type none.
    #[must_use]
    pub fn character(self, code: u16, level: Level) -> Option<char> {
        if code == super::key::SPACE {
            return Some(' ');
        }
        if let Some(typed) = pad_character(code) {
            return Some(typed);
        }
        let rows = self.rows();
        let row = match level {
            Level::Base => rows.base,
            Level::Shift => rows.shift,
            Level::AltGr => {
                return rows.altgr.iter().find(|key| key.0 == code).map(|key| key.1);
            }
        };
        let place = KEYS.iter().position(|&key| key == code)?;
        row.chars().nth(place).filter(|&typed| typed != '\0')
    }

    /// Whether the key waits for the next one to type its accent.
    #[must_use]
    pub fn is_dead(self, code: u16, level: Level) -> bool {
        self.rows().dead.contains(&(code, level))
    }

    /// The key and level that type a character; the inverse of [`KeyboardLayout::character`].
    #[must_use]
    pub fn key(self, typed: char) -> Option<(u16, Level)> {
        if typed == ' ' {
            return Some((super::key::SPACE, Level::Base));
        }
        let rows = self.rows();
        let in_row = |row: &str, level| {
            let place = row.chars().position(|c| c == typed && c != '\0')?;
            Some((*KEYS.get(place)?, level))
        };
        let altgr = || rows.altgr.iter().find(|key| key.1 == typed);
        in_row(rows.base, Level::Base)
            .or_else(|| in_row(rows.shift, Level::Shift))
            .or_else(|| altgr().map(|key| (key.0, Level::AltGr)))
    }
}

/// Whether the key types a character in some layout: if it types none in the configured one, the
/// layout is wrong.
pub(super) fn is_character_key(code: u16) -> bool {
    KEYS.contains(&code)
}

/// The digit or sign of a keypad key.
pub(super) fn pad_character(code: u16) -> Option<char> {
    PAD.iter().find(|key| key.0 == code).map(|key| key.1)
}

/// The keypad key of a digit.
pub(super) fn pad_key(digit: char) -> Option<u16> {
    PAD.iter().find(|key| key.1 == digit).map(|key| key.0)
}
