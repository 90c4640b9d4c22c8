//! The text console of the machine: what a window with the focus would see of a scanner that types.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use shelf_tests::patience::{Look, pass, until};

/// How long what is typed on takes to arrive, at most.
const TYPED_MAX: Duration = Duration::from_secs(20);
/// How long a console must stay silent to have seen nothing.
const SILENCE: Duration = Duration::from_millis(700);

/// The console that has the focus.
pub(crate) struct Console(File);

impl Console {
    /// Opens it; what was typed before is thrown away.
    pub(crate) fn open() -> Result<Self> {
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits())?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(nonblocking)
            .open("/dev/tty1")?;
        let mut settings = tcgetattr(&file)?;
        settings.make_raw();
        tcsetattr(&file, OptionalActions::Flush, &settings)?;
        Ok(Self(file))
    }

    fn typed(&mut self) -> String {
        let mut buf = [0; 4096];
        let n = self.0.read(&mut buf).unwrap_or(0);
        String::from_utf8_lossy(&buf[..n]).into_owned()
    }

    /// Types until something arrives, and waits until nothing more comes: the kernel connects a new
    /// keyboard with the console in its own time.
    pub(crate) fn connected(
        &mut self,
        mut type_something: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        until("a keyboard connected with the console", TYPED_MAX, || {
            type_something()?;
            pass(SILENCE);
            Ok(match self.typed().is_empty() {
                false => Look::Done(()),
                true => Look::NotYet("silence".to_owned()),
            })
        })
    }

    /// Waits until exactly this was typed.
    pub(crate) fn must_see(&mut self, text: &str) -> Result<()> {
        let mut seen = String::new();
        until("what the console sees", TYPED_MAX, || {
            seen.push_str(&self.typed());
            Ok(match seen == text {
                true => Look::Done(()),
                false => Look::NotYet(format!("{seen:?} instead of {text:?}")),
            })
        })
    }

    /// Nothing was typed, and nothing is for a while.
    pub(crate) fn must_see_nothing(&mut self) -> Result<()> {
        pass(SILENCE);
        let seen = self.typed();
        if !seen.is_empty() {
            bail!("the console saw {seen:?}");
        }
        Ok(())
    }
}
