//! How long a tag may be missed before it is gone: a window for each tag that adapts to how well it is read.
//!
//! The idea is that of SMURF (Jeffery, Garofalakis, Franklin): reads are samples. A tag that is read in a
//! share p of the epochs is missed in w epochs in turn by chance with (1-p)^w, so w must be at least
//! ln(1/delta)/p; and when far fewer reads come than p lets expect, the tag has most likely gone, and the
//! window is halved. Fixed windows are the known failure: too short for a tag behind metal, too long for one
//! that was carried out. Integers only, so that every machine decides the same.

/// Epochs that are remembered.
const EPOCHS: u32 = 64;
/// ln(1/0.01) in thousandths: one false departure in a hundred windows.
const LN_INVERSE_DELTA_MILLI: u64 = 4_605;
/// Windows grow by this many epochs at a time.
const GROWTH_EPOCHS: u32 = 2;
/// So many epochs without a read are added to what is known of a tag: of a new one little is known, and it
/// is waited for.
const PRIOR_EPOCHS: u32 = 4;
/// Epochs before a departure is judged at all.
const WINDOW_EPOCHS_MIN: u32 = 3;

/// The history of one tag, in epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Bit n: read in the n-th epoch before `epoch`.
    seen: u64,
    /// The epoch of bit 0.
    epoch: u64,
    /// The epoch of the first read; before it nothing was missed.
    first: u64,
    /// How many epochs without a read the tag survives.
    size: u32,
}

impl Window {
    pub(super) fn new(epoch: u64) -> Window {
        Window {
            seen: 0,
            epoch,
            first: epoch,
            size: WINDOW_EPOCHS_MIN,
        }
    }

    /// A read in this epoch, which may lie in the past.
    pub(super) fn read(&mut self, epoch: u64) {
        self.advance(epoch);
        let back = self.epoch - epoch.min(self.epoch);
        if let Some(bit) = u32::try_from(back).ok().and_then(|n| 1_u64.checked_shl(n)) {
            self.seen |= bit;
            self.first = self.first.min(epoch);
        }
    }

    /// Time goes on to this epoch: the window is judged anew for each that passes.
    pub(super) fn advance(&mut self, epoch: u64) {
        let steps = epoch.saturating_sub(self.epoch);
        for _ in 0..steps.min(u64::from(EPOCHS)) {
            self.seen <<= 1;
            self.epoch += 1;
            self.adapt();
        }
        self.epoch = self.epoch.max(epoch);
    }

    /// Time in which the reader was blind: as if it had not been.
    pub(super) fn skip(&mut self, epochs: u64) {
        self.epoch = self.epoch.saturating_add(epochs);
        self.first = self.first.saturating_add(epochs);
    }

    /// Whether no read is left in the window.
    pub(super) fn is_over(&self) -> bool {
        self.seen & mask(self.size) == 0
    }

    /// How many epochs without a read the tag survives at present.
    pub(super) fn epochs(&self) -> u32 {
        self.size
    }

    fn adapt(&mut self) {
        // From the first remembered read to the last: the silence since then is what is to be judged.
        let age = u32::try_from(self.epoch - self.first.min(self.epoch))
            .unwrap_or(EPOCHS)
            .clamp(1, EPOCHS);
        let known = age.saturating_sub(self.seen.trailing_zeros()).max(1);
        let age = known + PRIOR_EPOCHS;
        // What is known of the tag: the share of epochs in which it was read.
        let reads = u64::from(self.seen.count_ones().min(known)).max(1);
        let needed = (LN_INVERSE_DELTA_MILLI * u64::from(age)).div_ceil(reads * 1_000);
        let needed = u32::try_from(needed)
            .unwrap_or(EPOCHS)
            .clamp(WINDOW_EPOCHS_MIN, EPOCHS);
        if self.has_changed(age, reads) {
            self.size = (self.size / 2).max(WINDOW_EPOCHS_MIN);
        } else if self.size < needed {
            self.size = (self.size + GROWTH_EPOCHS).min(needed);
        } else {
            self.size = needed;
        }
    }

    /// The newer half of the window has fewer reads than chance explains: by three sigma, where the paper
    /// takes two, for a false departure costs more here than a late one.
    fn has_changed(&self, age: u32, reads: u64) -> bool {
        let recent = (self.size / 2).max(1);
        let (age, n) = (i128::from(age), i128::from(recent));
        let reads = i128::from(reads);
        let found = i128::from((self.seen & mask(recent)).count_ones());
        // (n p - found)^2 > 9 n p (1-p) with p = reads/age, all times age^2.
        let missing = n * reads - found * age;
        missing > 0 && missing * missing > 9 * n * reads * (age - reads) && n * reads >= 2 * age
    }
}

fn mask(epochs: u32) -> u64 {
    1_u64.checked_shl(epochs).map_or(u64::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::Window;

    /// Reads a pattern of epochs, then silence; says after how many silent epochs the tag is gone.
    fn survives(pattern: &[bool], repeat: u64) -> u64 {
        let mut window = Window::new(0);
        let mut epoch = 0;
        for _ in 0..repeat {
            for &read in pattern {
                window.advance(epoch);
                if read {
                    window.read(epoch);
                }
                assert!(!window.is_over(), "gone in epoch {epoch} of {pattern:?}");
                epoch += 1;
            }
        }
        (0..100)
            .find(|silent| {
                window.advance(epoch + silent);
                window.is_over()
            })
            .unwrap()
    }

    #[test]
    fn a_tag_that_is_read_well_is_missed_soon_and_another_later() {
        let always = survives(&[true], 40);
        let often = survives(&[true, true, false], 20);
        let seldom = survives(&[true, false, false, false, false], 20);
        assert!(always <= 5, "{always}");
        assert!(often > always && often <= 12, "{often}");
        assert!(seldom > often && seldom <= 45, "{seldom}");
    }

    #[test]
    fn a_late_read_counts_and_blind_time_does_not() {
        let mut window = Window::new(10);
        window.read(10);
        window.advance(12);
        window.read(11);
        assert!(!window.is_over());
        window.skip(1_000);
        window.advance(1_012);
        assert!(!window.is_over());
        window.advance(1_200);
        assert!(window.is_over());
    }
}
