//! Keyboard-wedge scanners: codes typed as keys.
//!
//! The decoder gets raw key presses and releases (evdev codes, or HID boot reports through
//! [`boot`]) and the layout that the *scanner* is set to, never characters that a desktop has
//! already translated: only so do `/`, `-` and letters survive a computer with another layout.
//! Printable characters and configured terminators are taken; everything else that is pressed is
//! counted and types nothing, because a barcode can hold control chords. A scan in which presses
//! were lost, or a key has no character, is a fault, never a shorter code.

pub mod boot;
mod decoder;
mod encode;
pub mod layout;

#[cfg(test)]
mod tests;

pub use decoder::{IDLE_FLUSH_MS, WedgeConfig, WedgeDecoder, WedgeItem};
pub use encode::encode;

/// A key that went down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// Linux input event code (`KEY_*`).
    pub code: u16,
    /// Down or up. Auto-repeat is not given: a scanner does not hold keys.
    pub pressed: bool,
}

/// How GS (0x1D) is typed, for it has no key. Several may be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GsKeys {
    /// Ctrl and `]`.
    pub ctrl_bracket: bool,
    /// F8.
    pub f8: bool,
    /// A character in its place.
    pub character: Option<char>,
}

impl Default for GsKeys {
    fn default() -> Self {
        GsKeys {
            ctrl_bracket: true,
            f8: true,
            character: None,
        }
    }
}

/// Codes of the keys that are no characters.
pub(crate) mod key {
    pub(crate) const TAB: u16 = 15;
    pub(crate) const BRACE_RIGHT: u16 = 27;
    pub(crate) const ENTER: u16 = 28;
    pub(crate) const CTRL_LEFT: u16 = 29;
    pub(crate) const SHIFT_LEFT: u16 = 42;
    pub(crate) const SHIFT_RIGHT: u16 = 54;
    pub(crate) const ALT_LEFT: u16 = 56;
    pub(crate) const SPACE: u16 = 57;
    pub(crate) const CAPS_LOCK: u16 = 58;
    pub(crate) const F8: u16 = 66;
    pub(crate) const NUM_LOCK: u16 = 69;
    pub(crate) const PAD_ENTER: u16 = 96;
    pub(crate) const CTRL_RIGHT: u16 = 97;
    pub(crate) const ALT_RIGHT: u16 = 100;
    pub(crate) const META_LEFT: u16 = 125;
    pub(crate) const META_RIGHT: u16 = 126;
}
