//! From key presses to scans.
//!
//! State is small: which modifiers are down, Caps Lock, the text so far, and what spoils it.
//! Keys that type characters act on press; a code typed with Alt and the keypad acts when Alt is
//! released. It must never let a chord through as text.

use std::collections::VecDeque;

use super::layout::{KeyboardLayout, Level, is_character_key, pad_character};
use super::{GsKeys, KeyEvent, key};
use crate::gs1::GS;
use crate::scanner::{Fault, FaultReason, SCAN_BYTES_MAX, Scan, Terminator, Terminators};

/// Silence after which a driver calls [`WedgeDecoder::flush_idle`], in milliseconds. Scanners
/// type a key every 1 to 20; a long QR code takes seconds in all, so only gaps count.
pub const IDLE_FLUSH_MS: u64 = 150;

/// How a wedge scanner is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WedgeConfig {
    /// The layout that the scanner types for.
    pub layout: KeyboardLayout,
    /// What ends a scan.
    pub terminators: Terminators,
    /// How GS is typed.
    pub gs: GsKeys,
    /// Shortest text in characters.
    pub length_min: usize,
}

impl Default for WedgeConfig {
    fn default() -> Self {
        WedgeConfig {
            layout: KeyboardLayout::default(),
            terminators: Terminators::usual().with(Terminator::Tab),
            gs: GsKeys::default(),
            length_min: 1,
        }
    }
}

/// What comes from a wedge scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WedgeItem {
    /// One scan, in UTF-8.
    Scan(Scan),
    /// Keys that make no whole scan.
    Fault(Fault),
}

/// Keys that are down, as far as they matter.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    shift_left: bool,
    shift_right: bool,
    ctrl_left: bool,
    ctrl_right: bool,
    alt_left: bool,
    alt_right: bool,
    meta: bool,
}

/// Turns key events of one scanner into scans. Iterate it after each push.
#[derive(Debug)]
pub struct WedgeDecoder {
    config: WedgeConfig,
    held: Held,
    caps_lock: bool,
    text: String,
    /// Characters in all; more than `text` holds where it is too long.
    characters: u64,
    ignored: u32,
    ignored_total: u64,
    damage: Option<FaultReason>,
    /// An accent was typed: a space right after it only completes it.
    dead: bool,
    /// Digits typed on the keypad while Alt is down.
    alt_code: Option<u32>,
    items: VecDeque<WedgeItem>,
}

impl WedgeDecoder {
    /// A decoder for a device with this configuration.
    #[must_use]
    pub fn new(config: WedgeConfig) -> WedgeDecoder {
        WedgeDecoder {
            config,
            held: Held::default(),
            caps_lock: false,
            text: String::new(),
            characters: 0,
            ignored: 0,
            ignored_total: 0,
            damage: None,
            dead: false,
            alt_code: None,
            items: VecDeque::new(),
        }
    }

    /// Takes one key event.
    pub fn push(&mut self, event: KeyEvent) {
        let KeyEvent { code, pressed } = event;
        if self.modifier(code, pressed) || !pressed {
            return;
        }
        let altgr = self.altgr() && self.config.layout.has_altgr();
        if self.held.meta {
            self.ignore();
        } else if self.ctrl() && !altgr {
            self.control_chord(code);
        } else if self.held.alt_left {
            self.alt_digit(code);
        } else {
            self.plain(code);
        }
    }

    /// Key events were lost (the kernel's queue ran over): the scan in progress is damaged, and
    /// what was held is no longer known.
    pub fn keys_lost(&mut self) {
        self.damage.get_or_insert(FaultReason::KeysLost);
        self.held = Held::default();
        self.alt_code = None;
        self.dead = false;
    }

    /// The state of Caps Lock as the device reports it at opening.
    pub fn set_caps_lock(&mut self, on: bool) {
        self.caps_lock = on;
    }

    /// Whether keys of an unfinished scan are held, or lost ones to be reported: only then does
    /// silence mean anything.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.text.is_empty() || self.damage.is_some()
    }

    /// The driver saw no key for [`IDLE_FLUSH_MS`].
    pub fn flush_idle(&mut self) {
        self.end(None);
    }

    /// Keys that typed nothing since the decoder was made, with or without a scan around them.
    #[must_use]
    pub fn ignored_keys_total(&self) -> u64 {
        self.ignored_total
    }

    fn ctrl(&self) -> bool {
        self.held.ctrl_left || self.held.ctrl_right
    }

    fn altgr(&self) -> bool {
        self.held.alt_right
    }

    fn ignore(&mut self) {
        self.ignored = self.ignored.saturating_add(1);
        self.ignored_total = self.ignored_total.saturating_add(1);
    }

    /// Keeps track of modifiers; true if the key is one.
    fn modifier(&mut self, code: u16, pressed: bool) -> bool {
        let held = &mut self.held;
        match code {
            key::SHIFT_LEFT => held.shift_left = pressed,
            key::SHIFT_RIGHT => held.shift_right = pressed,
            key::CTRL_LEFT => held.ctrl_left = pressed,
            key::CTRL_RIGHT => held.ctrl_right = pressed,
            key::ALT_RIGHT => held.alt_right = pressed,
            key::META_LEFT | key::META_RIGHT => held.meta = pressed,
            key::ALT_LEFT => {
                held.alt_left = pressed;
                if !pressed && let Some(number) = self.alt_code.take() {
                    self.alt_character(number);
                }
            }
            key::CAPS_LOCK => self.caps_lock ^= pressed,
            key::NUM_LOCK => {}
            _ => return false,
        }
        true
    }

    fn alt_digit(&mut self, code: u16) {
        match pad_character(code).and_then(|typed| typed.to_digit(10)) {
            Some(digit) => {
                let number = self.alt_code.unwrap_or(0);
                self.alt_code = Some(number.saturating_mul(10).saturating_add(digit));
            }
            None => self.ignore(),
        }
    }

    /// A character by its number: ASCII and GS; above, Latin-1.
    fn alt_character(&mut self, number: u32) {
        match number {
            29 => self.add(char::from(GS)),
            13 => self.terminator_key(Terminator::Cr),
            10 => self.terminator_key(Terminator::Lf),
            9 => self.terminator_key(Terminator::Tab),
            32..=126 | 160..=255 => match char::from_u32(number) {
                Some(typed) => self.add(typed),
                None => self.ignore(),
            },
            0..=31 => self.ignore(),
            _ => {
                self.damage.get_or_insert(FaultReason::KeyUnmapped);
            }
        }
    }

    fn control_chord(&mut self, code: u16) {
        let typed = self.config.layout.character(code, Level::Base);
        match typed.map(|c| c.to_ascii_lowercase()) {
            Some('m') => self.terminator_key(Terminator::Cr),
            Some('j') => self.terminator_key(Terminator::Lf),
            Some('i') => self.terminator_key(Terminator::Tab),
            typed
                if self.config.gs.ctrl_bracket
                    && (code == key::BRACE_RIGHT || typed == Some(']')) =>
            {
                self.add(char::from(GS));
            }
            _ => self.ignore(),
        }
    }

    fn terminator_key(&mut self, terminator: Terminator) {
        if self.config.terminators.has(terminator) {
            self.end(Some(terminator));
        } else {
            self.ignore();
        }
    }

    fn plain(&mut self, code: u16) {
        match code {
            key::ENTER | key::PAD_ENTER => return self.terminator_key(Terminator::Cr),
            key::TAB => return self.terminator_key(Terminator::Tab),
            key::F8 if self.config.gs.f8 => return self.add(char::from(GS)),
            _ => {}
        }
        let layout = self.config.layout;
        let shift = self.held.shift_left || self.held.shift_right;
        let level = match (self.altgr() && layout.has_altgr(), shift) {
            (true, _) => Level::AltGr,
            (false, true) => Level::Shift,
            (false, false) => Level::Base,
        };
        let Some(mut typed) = layout.character(code, level) else {
            if is_character_key(code) {
                self.damage.get_or_insert(FaultReason::KeyUnmapped);
            }
            return self.ignore();
        };
        if self.caps_lock && typed.is_alphabetic() && level != Level::AltGr {
            let other = if shift { Level::Base } else { Level::Shift };
            typed = layout
                .character(code, other)
                .filter(|c| c.is_alphabetic())
                .unwrap_or(typed);
        }
        if self.dead && typed == ' ' {
            self.dead = false;
            return;
        }
        self.add(typed);
        self.dead = layout.is_dead(code, level);
    }

    fn add(&mut self, typed: char) {
        self.dead = false;
        let typed = if self.config.gs.character == Some(typed) {
            char::from(GS)
        } else {
            typed
        };
        self.characters = self.characters.saturating_add(1);
        if self.text.len() + typed.len_utf8() <= SCAN_BYTES_MAX {
            self.text.push(typed);
        } else {
            self.damage.get_or_insert(FaultReason::TooLong);
        }
    }

    fn end(&mut self, terminator: Option<Terminator>) {
        let text = std::mem::take(&mut self.text);
        let characters = std::mem::take(&mut self.characters);
        let ignored = std::mem::take(&mut self.ignored);
        let damage = self.damage.take();
        self.dead = false;
        self.alt_code = None;
        // LF after CR, or nothing but chords.
        if text.is_empty() && damage.is_none() {
            return;
        }
        let short =
            usize::try_from(characters).unwrap_or(usize::MAX) < self.config.length_min.max(1);
        let reason = damage.or(short.then_some(FaultReason::TooShort));
        self.items.push_back(match reason {
            Some(reason) => WedgeItem::Fault(Fault::new(reason, text.as_bytes(), characters)),
            None => {
                let mut scan = Scan::plain(text.into_bytes(), terminator);
                scan.ignored_keys = ignored;
                WedgeItem::Scan(scan)
            }
        });
    }
}

impl Iterator for WedgeDecoder {
    type Item = WedgeItem;

    fn next(&mut self) -> Option<WedgeItem> {
        self.items.pop_front()
    }
}
