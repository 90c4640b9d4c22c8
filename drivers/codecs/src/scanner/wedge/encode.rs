//! The keys that a scanner presses for a text; for simulators.
//!
//! It speaks the same layouts and GS keys as the decoder, so a text that can't be typed in a
//! layout gives nothing instead of something else.

use super::decoder::WedgeConfig;
use super::layout::{Level, pad_key};
use super::{KeyEvent, key};
use crate::gs1::GS;
use crate::scanner::Terminator;

/// Presses and releases for a text and its terminator. `None` if the layout has no key for one of
/// the characters, or for ETX.
#[must_use]
pub fn encode(
    text: &str,
    config: &WedgeConfig,
    terminator: Option<Terminator>,
) -> Option<Vec<KeyEvent>> {
    let mut out = Vec::with_capacity(text.len() * 3);
    for typed in text.chars() {
        if typed == char::from(GS) {
            group_separator(config, &mut out)?;
        } else {
            character(typed, config, &mut out)?;
        }
    }
    match terminator {
        None => {}
        Some(Terminator::Cr) => tap(key::ENTER, &mut out),
        Some(Terminator::Tab) => tap(key::TAB, &mut out),
        Some(Terminator::Lf) => chord(key::CTRL_LEFT, config.layout.key('j')?.0, &mut out),
        Some(Terminator::CrLf) => {
            tap(key::ENTER, &mut out);
            chord(key::CTRL_LEFT, config.layout.key('j')?.0, &mut out);
        }
        Some(Terminator::Etx) => return None,
    }
    Some(out)
}

fn character(typed: char, config: &WedgeConfig, out: &mut Vec<KeyEvent>) -> Option<()> {
    let (code, level) = config.layout.key(typed)?;
    match level {
        Level::Base => tap(code, out),
        Level::Shift => chord(key::SHIFT_LEFT, code, out),
        Level::AltGr => chord(key::ALT_RIGHT, code, out),
    }
    if config.layout.is_dead(code, level) {
        tap(key::SPACE, out);
    }
    Some(())
}

/// GS by the first way that is configured, else by Alt and 0 2 9 on the keypad.
fn group_separator(config: &WedgeConfig, out: &mut Vec<KeyEvent>) -> Option<()> {
    if let Some(substitute) = config.gs.character {
        return character(substitute, config, out);
    }
    if config.gs.ctrl_bracket {
        chord(key::CTRL_LEFT, key::BRACE_RIGHT, out);
    } else if config.gs.f8 {
        tap(key::F8, out);
    } else {
        out.push(KeyEvent {
            code: key::ALT_LEFT,
            pressed: true,
        });
        for digit in ['0', '2', '9'] {
            tap(pad_key(digit)?, out);
        }
        out.push(KeyEvent {
            code: key::ALT_LEFT,
            pressed: false,
        });
    }
    Some(())
}

fn tap(code: u16, out: &mut Vec<KeyEvent>) {
    out.extend([
        KeyEvent {
            code,
            pressed: true,
        },
        KeyEvent {
            code,
            pressed: false,
        },
    ]);
}

fn chord(modifier: u16, code: u16, out: &mut Vec<KeyEvent>) {
    out.push(KeyEvent {
        code: modifier,
        pressed: true,
    });
    tap(code, out);
    out.push(KeyEvent {
        code: modifier,
        pressed: false,
    });
}
